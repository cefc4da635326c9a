"""The page of the statistics in a real browser: what is drawn, what it fetches, who can read it (WCAG 2.1 AA)."""

import os
import shutil
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from test_monthly_statistics import SHOWN

from dsar.monthly_statistics import MonthlyStatistics
from dsar.monthly_statistics.page import as_html

pytestmark = pytest.mark.xdist_group("browser")  # started once

_WIDE, _NARROW = (1280, 1600), (500, 1600)  # Chromium's window is never narrower


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    """Chromium without a window, that speaks to nobody but the driver."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("Chromium is not installed: .ci/setup test installs it")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    arguments = ["--headless=new", "--disable-background-networking", "--disable-gpu", "--disable-dev-shm-usage"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium's sandbox does not work for root
    for argument in arguments:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=Service(driver))
    yield started
    started.quit()


def opened(browser: webdriver.Chrome, folder: Path, result: MonthlyStatistics = SHOWN, language: str = "sv") -> None:
    page = folder / "page.html"
    page.write_text(as_html(result, company="Xelent & Co", language=language), "utf-8")
    browser.set_window_size(*_WIDE)
    browser.get(page.as_uri())


def violations(browser: webdriver.Chrome) -> list[str]:
    """Rules of axe that the page breaks, with what breaks them."""
    browser.execute_script(files("axe_core_python").joinpath("axe.min.js").read_text("utf-8"))
    found: dict[str, Any] = browser.execute_async_script(
        "const done = arguments[arguments.length - 1]; axe.run(document).then(done)"
    )
    assert len(found["passes"]) > 15  # it has looked
    return [f"{rule['id']}: {node['html']}" for rule in found["violations"] for node in rule["nodes"]]


@pytest.mark.parametrize("language", ["sv", "en"])
def test_it_breaks_no_rule_of_accessibility(browser: webdriver.Chrome, tmp_path: Path, language: str) -> None:
    """Landmarks, headings, headers of tables, contrast, language, names of what can be focused."""
    opened(browser, tmp_path, language=language)
    assert violations(browser) == []


def test_the_rules_would_tell(browser: webdriver.Chrome, tmp_path: Path) -> None:
    opened(browser, tmp_path)
    browser.execute_script("document.querySelector('h1').style.color = '#ddd'; document.documentElement.lang = ''")
    assert {broken.partition(":")[0] for broken in violations(browser)} == {"color-contrast", "html-has-lang"}


def test_the_months_are_drawn(browser: webdriver.Chrome, tmp_path: Path) -> None:
    """One bar for each count that is not none, inside the picture, and hidden from who hears the table below it."""
    opened(browser, tmp_path)
    (picture,) = browser.find_elements(By.TAG_NAME, "svg")
    assert picture.get_attribute("aria-hidden") == "true"
    counts = sum((month.received > 0) + (month.in_time > 0) + (month.late > 0) for month in SHOWN.months)
    bars = browser.execute_script(
        "const frame = arguments[0].getBoundingClientRect();"
        "return [...arguments[0].querySelectorAll('rect')].map(bar => bar.getBoundingClientRect())"
        ".filter(box => box.height > 5 && box.width > 2 && box.width < 40 && box.left >= frame.left"
        " && box.right <= frame.right && box.bottom <= frame.bottom).length",
        picture,
    )
    assert bars - 3 == counts  # three stand in the legend


def test_it_fetches_nothing_and_the_browser_complains_of_nothing(browser: webdriver.Chrome, tmp_path: Path) -> None:
    opened(browser, tmp_path)
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]  # selenium leaves it untyped


def test_on_a_narrow_screen_only_tables_scroll_and_the_keyboard_reaches_them(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    opened(browser, tmp_path)
    browser.set_window_size(*_NARROW)
    wider = browser.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider <= 0
    assert violations(browser) == []


def test_what_a_system_is_called_is_shown_as_text(browser: webdriver.Chrome, tmp_path: Path) -> None:
    opened(browser, tmp_path)
    assert "<erp>" in [cell.text for cell in browser.find_elements(By.TAG_NAME, "th")]
