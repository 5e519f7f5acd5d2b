import polars as pl
import pytest

from ingest.resolve.names import normalise


def forms(*names: str, ordered: bool = True) -> dict[str, dict[str, str]]:
    rows = normalise(pl.Series(list(names)), ordered=ordered).to_dicts()
    return {row["name"]: row for row in rows}


@pytest.mark.parametrize(
    ("one", "two", "form"),
    [
        ("平安银行股份有限公司", "平安银行", "core"),
        ("深圳市華為技術有限公司", "深圳市华为技术有限公司", "core"),
        ("万科Ａ", "万科企业股份有限公司", "core"),
        ("ACME SHIPPING CO., LTD.", "Acme Shipping Company Limited", "core"),
        ("Société Générale S.A.", "Societe Generale SA", "core"),
        ("平安银行股份有限公司", "Ping An Bank Co., Ltd.", "roman"),
        ("Acme Shipping Ltd", "Acme Shipping Trading Ltd", "stem"),
        ("深圳市大洋进出口有限公司", "大洋贸易有限公司", "stem"),
        ("河南辉煌科技股份有限公司", "Huihuang Technology Co., Ltd.", "local"),
    ],
)
def test_variants_have_a_form_in_common(one: str, two: str, form: str) -> None:
    found = forms(one, two)
    assert found[one][form] == found[two][form] != ""


def test_persons_may_be_written_family_name_first() -> None:
    found = forms("SMITH, John", "John Smith", ordered=False)
    assert len({row["core"] for row in found.values()}) == 1


def test_numbers_are_kept_apart() -> None:
    found = forms("第二机床厂", "第三机床厂", "Fund II LP", "Fund III LP", "Fund LP")
    assert [found[name]["numbers"] for name in ("第二机床厂", "第三机床厂")] == ["2", "3"]
    assert len({found[name]["numbers"] for name in ("Fund II LP", "Fund III LP", "Fund LP")}) == 3


def test_names_of_nothing_but_form_words_stay() -> None:
    found = forms("有限公司", "Group Ltd", "!!!")
    assert found["Group Ltd"]["core"] == "groupltd"
    assert found["有限公司"]["core"] != "" and found["!!!"]["core"] == ""
