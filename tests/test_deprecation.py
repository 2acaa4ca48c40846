"""The helper for names that go away."""

import inspect

import pytest
from ferroprop._deprecation import renamed_parameter, warn_deprecated


@renamed_parameter("score", "validation_score", removed_in="1.3")
def fit(X, validation_score=None):
    return X, validation_score


def test_an_old_keyword_works_and_warns_at_the_callers_line():
    message = r"score= is deprecated and will be removed in ferroprop 1\.3; use validation_score= instead\."
    with pytest.warns(FutureWarning, match=message) as caught:
        assert fit(1, score=2) == (1, 2)
    assert caught[0].filename == __file__


def test_the_new_keyword_does_not_warn():
    assert fit(1, validation_score=2) == (1, 2)
    assert fit(1, 2) == (1, 2)
    assert list(inspect.signature(fit).parameters) == ["X", "validation_score"]


@pytest.mark.parametrize("given", [{"args": (1, 2)}, {"args": (1,), "validation_score": 2}])
def test_both_names_are_an_error(given):
    with pytest.raises(TypeError, match="got both validation_score and score, its old name"):
        fit(*given.pop("args"), score=3, **given)


def test_a_parameter_that_is_not_there_is_the_developers_error():
    with pytest.raises(ValueError, match="nothing"):
        renamed_parameter("old", "nothing", removed_in="1.3")(lambda X: X)


def test_a_name_of_code_alone_has_the_quieter_warning():
    def old_name():
        warn_deprecated("old_name", "new_name", removed_in="2.0", category=DeprecationWarning)

    with pytest.warns(DeprecationWarning, match="old_name is deprecated") as caught:
        old_name()
    assert caught[0].filename == __file__
