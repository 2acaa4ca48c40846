//! Any bytes as a checkpoint of one training: no panic, and what is accepted is written again byte by byte.
#![no_main]

use ferroprop::{
    Activation, Adam, Dataset, Init, Loss, Network, Optimizer, Settings, training::rewritten,
};
use libfuzzer_sys::fuzz_target;
use ndarray::array;

fuzz_target!(|bytes: &[u8]| {
    let network = Network::<f32>::new(&[2, 1], &[], Activation::LOGISTIC, &[true], Init::Glorot, 3).unwrap();
    let (x, y) = (array![[0.0, 1.0], [1.0, 0.0]], array![[0.0], [1.0]]);
    let data = Dataset::new(x.view(), y.view(), None);
    let optimizer = Optimizer::Adam(Adam::default());
    let again = rewritten(bytes, &network, &data, Loss::LOG_LOSS, &Settings::default(), &optimizer);
    if let Ok(again) = again {
        assert_eq!(again, bytes);
    }
});
