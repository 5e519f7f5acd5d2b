"""Every source: what its small sample becomes, and that the real files behave as declared."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from graph.errors import HawserError
from graph.projection import edge_table
from graph.settings import Settings
from graph.store.lake import Lake
from ingest.context import list_sources
from ingest.identifiers import with_numbers
from ingest.pipeline import ingest

DATA = Path(__file__).parents[1] / "data"


def rows(settings: Settings, table: str) -> dict[str, dict[str, Any]]:
    """The statements in force by the first column of their key."""
    with Lake(settings) as lake:
        found = lake.table(table).to_pyarrow().to_pylist()
    return {next(iter(row.values())): row for row in found}


def test_sources_are_declared_with_publisher_licence_and_marking() -> None:
    sources = {source.name: source for source in list_sources()}
    assert set(sources) == {
        "fincen",
        "hs",
        "korea_customs",
        "ofac_sdn",
        "tables",
        "un_consolidated",
        "unlocode",
    }
    assert all(source.title and source.publisher and source.licence for source in sources.values())
    assert sources["tables"].marking == "INTERNAL"


def test_korean_declarations(settings: Settings) -> None:
    report = ingest("korea_customs", DATA / "korea_sample.csv", settings)
    assert report.quarantined == {}
    assert report.issues == []
    for table in ("shipments", "shipment_items", "findings"):
        assert report.accepted[table] == 1992
    assert ingest("korea_customs", DATA / "korea_sample.csv", settings).unchanged
    first = (DATA / "korea_sample.csv").read_text().splitlines()[1].split(",")
    shipment = rows(settings, "shipments")[f"kr-{first[0]}"]
    assert shipment["importer_id"] == f"kr-{first[9]}"
    assert shipment["row"] == 1
    finding = rows(settings, "findings")[f"kr-finding-{first[0]}"]
    assert (finding["recorded_at"] - finding["inspected_on"]).days == 30
    assert finding["outcome"] == ("violation" if first[20] == "1" else "compliant")
    assert rows(settings, "enterprises")[f"kr-{first[9]}"]["country"] == "KR"


def test_a_changed_layout_is_reported_or_refused(settings: Settings, tmp_path: Path) -> None:
    text = (DATA / "korea_sample.csv").read_text()
    lines = [f"{line},x" for line in text.splitlines()]
    lines[0] = lines[0].removesuffix("x") + "Weather"
    (tmp_path / "more.csv").write_text("\n".join(lines))
    report = ingest("korea_customs", tmp_path / "more.csv", settings)
    assert report.issues == ["more.csv: the column 'Weather' is not known and was left out"]
    (tmp_path / "less.csv").write_text(text.replace("Net Mass", "Mass", 1))
    with pytest.raises(HawserError, match="lacks the column Net Mass"):
        ingest("korea_customs", tmp_path / "less.csv", settings)


def test_ofac_entries_and_their_links(settings: Settings) -> None:
    report = ingest("ofac_sdn", DATA / "ofac", settings, recorded_at=date(2024, 1, 1))
    assert report.accepted == {"list_entries": 4}
    assert report.issues == ["list_entries: 4 rows, where 5000 to 40000 were expected"]
    entries = rows(settings, "list_entries")
    company = entries["ofac-101"]
    assert company["aliases"] == ["COMERCIAL NORTH QUAY", "NQT"]
    assert company["linked_to"] == ["ofac-102", "NOBODY KNOWN"]
    assert (company["kind"], company["country"]) == ("enterprise", "CO")
    assert company["identifiers"] == ["Tax ID No. 900-1 (Colombia)"]
    assert entries["ofac-103"]["linked_to"] == ["ofac-101"]
    assert (entries["ofac-103"]["kind"], entries["ofac-103"]["country"]) == ("person", "IR")
    assert (entries["ofac-104"]["kind"], entries["ofac-104"]["country"]) == ("vessel", "PA")
    assert company["recorded_at"] == date(2024, 1, 1)


#: An entry of the list as published.
OFAC_LINE = (
    '24977,"YANBIAN SILVERSTAR NETWORK TECHNOLOGY CO., LTD.",-0- ,"DPRK3] [DPRK4",-0- ,-0- ,-0- ,'
    '-0- ,-0- ,-0- ,-0- ,"Secondary sanctions risk: North Korea Sanctions Regulations, sections '
    "510.201 and 510.210; Unified Social Credit Code (USCC) 91222401MA0Y31E659 (China); "
    'Tax ID No. 7728168971 (Russia); Passport 1084010 (Egypt) issued 28 Feb 1996."\n'
)


def test_a_code_on_a_list_ties_the_enterprise_that_has_it_to_the_entry(
    settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "ofac"
    folder.mkdir()
    (folder / "sdn.csv").write_text(OFAC_LINE)
    for name in ("alt", "add"):
        shutil.copy(next((DATA / "ofac").glob(f"*{name}.csv")), folder / f"{name}.csv")
    ingest("ofac_sdn", folder, settings)
    assert rows(settings, "list_entries")["ofac-24977"]["identifiers"] == [
        "Unified Social Credit Code (USCC) 91222401MA0Y31E659 (China)",
        "Tax ID No. 7728168971 (Russia)",
        "Passport 1084010 (Egypt) issued 28 Feb 1996",
        "91222401MA0Y31E659",
    ]
    (tmp_path / "enterprises.csv").write_text(
        "enterprise_id,name,country,uscc\nE1,延边银星网络科技有限公司,CN,91222401MA0Y31E659\n"
    )
    ingest("tables", tmp_path / "enterprises.csv", settings)
    with Lake(settings) as lake:
        found = edge_table(lake, "LISTED_AS").to_pyarrow().to_pylist()
    ends = [(row["source"], row["target"], row["derivation"]) for row in found]
    assert ends == [("E1", "ofac-24977", "identifier:uscc")]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Registration Number 310141000551704 (China)", "310141000551704"),
        ("R.F.C. DIB-771110-HQ1 (Mexico)", "DIB771110HQ1"),
        ("Folio Mercantil No. 00343997221 (Mexico) issued 14 Dec 2005", "00343997221"),
        ("National ID No. 660000 73767 (Belgium)", "66000073767"),
        ("Registration Number 16382287 (China)", "16382287"),
        ("National Identification Number 1-78-09-44621-80", "178094462180"),
        ("Tax ID No. 7728168971 (Russia)", None),
        ("NIT # Provisional (Colombia)", None),
    ],
)
def test_numbers_are_told_from_what_is_written_around_them(text: str, number: str | None) -> None:
    found = pl.DataFrame({"identifiers": [[text], None]}).select(with_numbers("identifiers"))
    assert found["identifiers"].to_list() == [[text, number] if number else [text], None]


def test_un_entries_and_their_links(settings: Settings) -> None:
    assert ingest("un_consolidated", DATA / "un_list.xml", settings).accepted == {"list_entries": 3}
    entries = rows(settings, "list_entries")
    person = entries["un-1001"]
    assert (person["name"], person["kind"], person["country"]) == ("JANE DOE", "person", "IR")
    assert person["linked_to"] == ["un-1002", "XXe.099"]
    assert person["aliases"] == ["J. Doe, the quay"]
    assert person["identifiers"] == ["Passport X1234567"]
    assert person["valid_from"] == date(2012, 12, 31)
    assert entries["un-1002"]["linked_to"] == ["un-1001"]
    assert entries["un-1002"]["country"] == "CD"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><CONSOLIDATED_LIST><ENTITY>'
            "<DATAID>1</DATAID><FIRST_NAME>&e;</FIRST_NAME></ENTITY></CONSOLIDATED_LIST>",
            "has a document type",
        ),
        ("<CONSOLIDATED_LIST><ENTITY>", "not well-formed XML"),
        ("<OTHER/>", "holds no entry"),
        ("", "not well-formed XML"),
    ],
)
def test_xml_that_is_not_the_list_is_refused(
    settings: Settings, tmp_path: Path, text: str, line: str
) -> None:
    (tmp_path / "list.xml").write_text(text)
    with pytest.raises(HawserError, match=line) as caught:
        ingest("un_consolidated", tmp_path / "list.xml", settings)
    assert "\n" not in str(caught.value)
    assert "root:" not in str(caught.value)


def test_nomenclatures_and_payments(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "unlocode.csv").write_text(
        "locode,country,name,ascii,subdiv,function,status,iata,coord,edition\n"
        "CNSHA,CN,Shanghai,Shanghai,SH,12345---,AI,,3114N 12129E,2024-2\n"
        "ARBUE,AR,Buenos Aires,Buenos Aires,B,1-------,AI,,3435S 05840W,2024-2\n"
    )
    ingest("unlocode", tmp_path, settings)
    places = rows(settings, "places")
    assert places["CNSHA"]["functions"] == "12345"
    assert (places["ARBUE"]["latitude"], places["ARBUE"]["longitude"]) == (-34.5833, -58.6667)
    (tmp_path / "hs.csv").write_text(
        "section,hscode,description,parent,level\nTOTAL,TOTAL,All,TOTAL,5\n"
        'I,01,"Animals; live",TOTAL,2\nI,0101,"Horses, live",01,4\n'
    )
    ingest("hs", tmp_path / "hs.csv", settings)
    codes = rows(settings, "commodities")
    assert (codes["01"]["parent"], codes["0101"]["parent"]) == (None, "01")
    (tmp_path / "transactions.csv").write_text(
        "id,icij_sar_id,filer_org_name_id,filer_org_name,begin_date,end_date,originator_bank_id,"
        "originator_bank,originator_bank_country,originator_iso,beneficiary_bank_id,"
        "beneficiary_bank,beneficiary_bank_country,beneficiary_iso,number_transactions,"
        "amount_transactions\n"
        '1,9,f,F,"Mar 25, 2015","Sep 25, 2015",a,A Bank,Singapore,SGP,b,B Bank,UK,GBR,68,5.6E7\n'
    )
    report = ingest("fincen", tmp_path, settings)
    assert report.accepted == {"enterprises": 2, "payments": 1}
    payment = rows(settings, "payments")["fincen-1"]
    assert (payment["payer_id"], payment["payee_id"]) == ("fincen-a", "fincen-b")
    assert (payment["paid_from"], payment["amount"]) == (date(2015, 3, 25), 5.6e7)
    assert payment["recorded_at"] == date(2020, 9, 20)


@pytest.mark.parametrize(
    ("source", "path", "accepted", "quarantined"),
    [
        (
            "korea_customs",
            "declarations",
            {"shipments": 45519, "shipment_items": 45519, "findings": 45519},
            {"enterprises": 1},
        ),
        ("ofac_sdn", "lists", {"list_entries": 8976}, {}),
        ("un_consolidated", "lists", {"list_entries": 1003}, {}),
        ("unlocode", "reference/unlocode.csv", {"places": 103616}, {"places": 345}),
        ("hs", "reference/hs.csv", {"commodities": 6939}, {}),
        ("fincen", "payments", {"enterprises": 2277, "payments": 4486}, {"payments": 21}),
    ],
)
def test_the_real_files(
    settings: Settings,
    shared: Path,
    tmp_path: Path,
    source: str,
    path: str,
    accepted: dict[str, int],
    quarantined: dict[str, int],
) -> None:
    report = ingest(source, shared / path, settings)
    assert accepted.items() <= report.accepted.items()
    assert report.quarantined == quarantined
    assert report.issues == []
    shutil.rmtree(settings.home)
