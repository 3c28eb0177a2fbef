"""What sktime asks of a forecaster: all its tests, but of the two longest, in 132 spellings, one spelling each."""

from sktime.utils.estimator_checks import check_estimator

LONGEST = {
    "test_update_predict_predicted_index": "y:1cols-update_params=False-step=5-0-fh=[2 5]",
    "test_predict_time_index": "y:1cols-fh=[2 5]-datetime-datetime-False",
}
NOT_OURS = ["test_class_has_doctest_example", "test_get_test_params_coverage", "test__y_remember_data"]


def check(forecaster, **which):
    return check_estimator(forecaster, raise_exceptions=True, verbose=False, **which)


def check_typical(forecaster):
    check(forecaster, tests_to_exclude=[*NOT_OURS, *LONGEST])
    typical = [f"{test}[{forecaster.__name__}-{spelling}]" for test, spelling in LONGEST.items()]
    assert set(check(forecaster, fixtures_to_run=typical)) == set(typical)


def check_every_spelling(forecaster):
    assert len(check(forecaster, tests_to_run=list(LONGEST))) == 132
