//! Networks in the formats of serde, with the feature `serde`: layers and parameters, checked when they are read.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, Result};
use crate::kernel::Scalar;
use crate::layer::{Layer, check_constants, check_layers};
use crate::network::Network;

#[derive(Serialize, Deserialize)]
#[serde(rename = "Network", deny_unknown_fields)]
struct Form<L, P> {
    layers: L,
    parameters: P,
}

fn network<T: Scalar>(form: Form<Vec<Layer>, Vec<T>>) -> Result<Network<T>> {
    check_layers(&form.layers)?;
    check_constants::<T>(&form.layers)?;
    if let Some((place, &number)) = form.parameters.iter().enumerate().find(|(_, x)| !x.is_finite()) {
        return Err(Error::value("parameters", "finite numbers", number, [place]));
    }
    Network::zeros(form.layers)?.with_parameters(form.parameters)
}

impl<T: Scalar + Serialize> Serialize for Network<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        Form { layers: self.layers(), parameters: self.parameters() }.serialize(serializer)
    }
}

impl<'de, T: Scalar + Deserialize<'de>> Deserialize<'de> for Network<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        network(Form::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Activation, Adam, Fall, Network, Optimizer, Rprop, Schedule, StepFunction};

    fn a_network() -> Network<f32> {
        let hidden = Activation::Logistic { slope: 2.0 };
        Network::builder([2, 3, 1])
            .hidden(hidden)
            .output_activation(Activation::Tanh)
            .seed(1)
            .build()
            .unwrap()
    }

    #[test]
    fn networks_come_back() {
        let network = a_network();
        let text = serde_json::to_string(&network).unwrap();
        assert!(
            text.starts_with(r#"{"layers":[{"fan_in":2,"fan_out":3,"activation":{"Logistic":{"slope":2.0}}"#)
        );
        assert!(serde_json::from_str::<Network<f32>>(&text).unwrap() == network);
        let complex = crate::Network::<f64>::complex(
            &[2, 2],
            &[],
            Activation::Cardioid,
            &[true],
            crate::Init::Glorot,
            3,
        );
        let text = serde_json::to_string(complex.as_ref().unwrap()).unwrap();
        assert!(serde_json::from_str::<Network<f64>>(&text).unwrap() == complex.unwrap());
    }

    #[test]
    fn what_is_no_network_is_refused() {
        let text = serde_json::to_string(&a_network()).unwrap();
        for (from, to, message) in [
            ("\"fan_in\":3", "\"fan_in\":4", "layers must be layers of one kind"),
            ("\"fan_in\":2", "\"fan_in\":0", "layers must be layers of one kind"),
            ("\"slope\":2.0", "\"slope\":-2.0", "slope must be"),
            ("\"slope\":2.0", "\"slope\":1e300", "slope must be"),
            ("{\"Logistic\":{\"slope\":2.0}}", "\"Softmax\"", "activation must be an activation for hidden"),
            ("\"Tanh\"", "\"Cardioid\"", "output_activation must be an activation for real"),
            ("\"parameters\":[", "\"parameters\":[1.0,", "parameters must have shape (13,), got (14,)"),
            ("\"parameters\":[", "\"parameters\":[1e39,", "number out of range"),
            ("\"parameters\"", "\"unknown\":1,\"parameters\"", "unknown field"),
        ] {
            assert!(text.contains(from));
            let error = serde_json::from_str::<Network<f32>>(&text.replacen(from, to, 1)).unwrap_err();
            assert!(error.to_string().contains(message), "{from}: {error}");
        }
    }

    #[test]
    fn rules_come_back_unless_they_hold_a_function() {
        let falling = Schedule::Cosine(Fall::to_zero(0.1));
        for rule in
            [Optimizer::from(Rprop::default()), Adam { learning_rate: falling, ..Adam::default() }.into()]
        {
            let text = serde_json::to_string(&rule).unwrap();
            assert_eq!(serde_json::from_str::<Optimizer>(&text).unwrap(), rule);
        }
        let by = Schedule::By(StepFunction(std::sync::Arc::new(|_| Some(0.1))));
        assert!(serde_json::to_string(&by).is_err());
    }
}
