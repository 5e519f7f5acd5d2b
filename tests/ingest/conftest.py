"""Small hand-written tables, and where the shared data are."""

import os
from pathlib import Path
from typing import Protocol

import pytest

from graph.settings import Settings

TABLES = {
    "enterprises": """enterprise_id,name,country,uscc,registered_on,phone
E1,东方货运有限公司,CN,91350100M000100Y43,2010-01-05,+86 21 5555 1234
E2,Beta Handels GmbH,DE,,,
E3,Gamma Inc.,US,,,
E4,Delta Co.,KR,,,
E5,Epsilon Ltd,GB,,,
""",
    "persons": """person_id,name,id_number
P1,李四,11010519491231002X
P2,Erika Mustermann,
""",
    "relations": """source_id,target_id,type,share,valid_from,valid_to
E1,E2,SHAREHOLDER,0.5,2015-01-01,
P1,E1,LEGAL_REPRESENTATIVE,,2010-01-05,2020-01-01
P2,E2,DIRECTOR,,,
E2,E3,CONTROLLER,,2016-01-01,9999-12-31
E4,E3,SHAREHOLDER,0.3,,
""",
    "shipments": """shipment_id,declared_at,direction,customs_office,importer_id,exporter_id,loading_port,transit_ports,containers,vessel_imo
S1,2024-01-02,I,2201,E1,E2,DEHAM,SGSIN;CNSHA,ABCU1;ABCU2,9074729
S2,2024-01-03,E,2201,E3,E1,CNSHA,,,
S3,2024-02-01,I,2202,E1,E4,KRPUS,,,
S4,2024-03-01,I,2202,E5,E2,DEHAM,,,
S5,2024-03-02,I,2202,E1,E2,DEHAM,,,
""",
    "shipment_items": """shipment_id,item_no,hs_code,description,origin_country,customs_value,currency,net_mass_kg
S1,1,8471.30,"laptops, new",DE,1000.5,EUR,12
S1,2,847150,,DE,7,EUR,1
S2,1,010121,horses,CN,100,CNY,400
S3,1,870323,cars,KR,20000,USD,1500
S4,1,220421,wine,FR,300,EUR,100
S5,1,220421,wine,FR,"1,300.25",EUR,100
""",
    "findings": """finding_id,shipment_id,enterprise_id,inspected_on,recorded_at,outcome,severity
F1,S1,,2024-01-05,2024-01-20,violation,minor
F2,S3,,2024-02-02,2024-02-20,compliant,
F3,,E5,2024-02-02,2024-02-20,compliant,
""",
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data folder of its own."""
    return Settings(home=tmp_path / "home", threads=2, memory_limit="1GB")


class Write(Protocol):
    """Write the tables into a folder, some of them with another text (empty: left out)."""

    def __call__(self, name: str = "tables", **changes: str) -> Path: ...


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes folders of CSV files, one a table."""

    def _write(name: str = "tables", **changes: str) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True, exist_ok=True)
        for table, text in {**TABLES, **changes}.items():
            if text:
                (folder / f"{table}.csv").write_text(text, encoding="utf-8")
        return folder

    return _write


@pytest.fixture
def texts() -> dict[str, str]:
    """The tables' texts, to make variants of."""
    return dict(TABLES)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared data; tests that need them are skipped where they are not there."""
    beside = Path(__file__).parents[3] / "shared"
    folder = Path(os.environ.get("HAWSER_SHARED", beside)) / "data"
    if not folder.is_dir():
        pytest.skip("the shared data are not here (set HAWSER_SHARED)")
    return folder
