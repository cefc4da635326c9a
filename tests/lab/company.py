"""The company of the journeys with the systems of the lab."""

from pathlib import Path

from databases import Own
from journeys.company import Company


class LabCompany(Company):
    """The company of the journeys with the systems of the lab instead of its sample systems."""

    def _settings(self, databases: Own) -> str:
        here = Path(__file__).parent
        own, _, after = super()._settings(databases).partition("[system.")
        systems = "[system." + (here / "settings.ini").read_text("utf-8").partition("[system.")[2]
        staff = "[staff]" + after.partition("[staff]")[2]
        return own + systems.replace("declaration = ", f"declaration = {here}/") + staff
