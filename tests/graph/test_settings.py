"""Settings come from one table and say in one line what is wrong with a value."""

from dataclasses import fields
from pathlib import Path

import pytest

from graph.errors import SettingsError
from graph.settings import Settings, variable


def test_defaults_need_no_environment() -> None:
    settings = Settings.load({})
    assert settings == Settings()
    assert settings.api_host == "127.0.0.1"
    assert settings.ledger_address.startswith("sqlite:///")


def test_environment_wins() -> None:
    settings = Settings.load({"HAWSER_HOME": "elsewhere", "HAWSER_API_PORT": "9001"})
    assert settings.home == Path("elsewhere")
    assert settings.lake_folder == Path("elsewhere/lake")
    assert settings.api_port == 9001


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HAWSER_API_PORT", "many"),
        ("HAWSER_API_PORT", "99999"),
        ("HAWSER_GRAPH_BATCH_SIZE", "0"),
        ("HAWSER_GRAPH_TIMEOUT", "-1"),
    ],
)
def test_bad_value_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load({name: value})
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_setting_has_help() -> None:
    for field in fields(Settings):
        assert field.metadata["help"], variable(field.name)
