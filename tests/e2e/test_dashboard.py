"""The dashboard of a node in a real mesh, in a real browser, used as a person does."""

import asyncio

import httpx
import pytest
import pytest_asyncio
from selenium.webdriver.common.keys import Keys

from support.browser import browser, require_browser
from support.process_mesh import started_mesh
from support.traffic import fetch_pattern, send_pattern, serving

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(240),
]

WALLET = "0x" + "5" * 40
GROUND = "return getComputedStyle(document.body).backgroundColor"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory):
    require_browser()
    async with started_mesh(tmp_path_factory.mktemp("dashboard"), count=6) as mesh:
        async with serving(send_pattern) as port:
            await asyncio.wait_for(fetch_pattern(mesh.proxy_port, port, 3, 5_000_000), 60)
        yield mesh


@pytest.fixture
def window(running):
    with browser(running.client.api_url) as made:
        yield made


def token_of(running):
    return running.client.made.token


def nodes_shown(window):
    return len(window.all("#graph g"))


async def inside(work, *args):
    """Do what blocks in a thread, so that the mesh's own loop goes on."""
    return await asyncio.to_thread(work, *args)


async def test_a_wrong_token_is_said_and_a_right_one_shows_the_node(running, window):
    def look():
        window.open()
        window.until(lambda: window.at("#token").is_displayed(), "the form")
        window.picture("login")
        window.at("#token").send_keys("masq_wrong", Keys.ENTER)
        window.until(lambda: "valid token" in window.text("#login-problem"), "the refusal")
        window.at("#token").clear()
        window.log_in(token_of(running))
        window.until(lambda: nodes_shown(window) == 6, "all six nodes")
        window.until(lambda: "all services are well" in window.text("#stage"), "the stage")
        window.until(lambda: len(window.all("#neighbors tbody tr")) >= 3, "the neighbors")
        window.until(lambda: len(window.all("#payables tbody tr")) >= 3, "what it owes")
        window.picture("mesh")
        icons = {each.get_attribute("innerHTML") for each in window.all("#graph .icon")}
        assert len(icons) == 6, "no two nodes look alike"
        assert window.troubles() == [] or all("401" in each for each in window.troubles())

    await inside(look)


async def test_it_is_used_with_keys_alone_in_the_dark_and_on_a_phone(running, window):
    def look():
        window.scheme("dark")
        window.log_in(token_of(running))
        window.until(lambda: nodes_shown(window), "the graph")
        window.picture("dark")
        ground = window.driver.execute_script(
            "return getComputedStyle(document.body).backgroundColor"
        )
        assert ground == "rgb(18, 21, 28)"
        window.open()
        window.until(lambda: nodes_shown(window), "the graph again, without a login")
        window.press(Keys.TAB)
        assert "Skip" in window.focused().text
        names = []
        for _ in range(60):
            window.press(Keys.TAB)
            focused = window.focused()
            names.append(focused.get_attribute("id") or focused.text)
        assert {"logout", "preview", "reload"} <= set(names)
        window.size(400, 800)
        wide = "return document.documentElement.scrollWidth"
        window.until(lambda: window.driver.execute_script(wide) <= 400, "nothing sticks out")
        window.picture("phone")

    await inside(look)


async def test_a_threshold_is_tried_changed_and_lost_to_who_was_faster(running, window):
    field = "#threshold-fields input[name=maturity_threshold_sec]"

    def fill(each, value):
        each.until(lambda: each.all(field), "the fields")
        each.at(field).clear()
        each.at(field).send_keys(value)

    def look():
        with browser(running.client.api_url) as second:
            for each in (window, second):
                each.log_in(token_of(running))
            fill(window, "77")
            window.at("#preview").send_keys(Keys.ENTER)
            window.until(lambda: "This would ban" in window.text("#threshold-said"), "a preview")
            window.picture("preview")
            window.at("#threshold-form button[type=submit]").send_keys(Keys.ENTER)
            window.until(lambda: "Saved" in window.text("#threshold-said"), "saved")
            fill(second, "99")
            second.at("#threshold-form button[type=submit]").send_keys(Keys.ENTER)
            second.until(lambda: "Somebody else" in second.text("#threshold-said"), "the conflict")
            second.picture("conflict")
            second.at("#reload").send_keys(Keys.ENTER)
            second.until(lambda: second.at(field).get_property("value") == "77", "what is in force")

    await inside(look)
    shown = await running.client.api.get("/v1/thresholds")
    assert shown["maturity_threshold_sec"] == 77


async def test_a_ban_is_pardoned_and_told_as_an_event(running, window):
    await running.client.api.call("PUT", f"/v1/bans/wallets/{WALLET}", {"decision": "ban"})

    def look():
        window.log_in(token_of(running))
        pardon = f"button[aria-label='Withdraw the decision about {WALLET}']"
        window.until(lambda: window.all(pardon), "the ban")
        window.picture("bans")
        window.at(pardon).send_keys(Keys.ENTER)
        window.until(lambda: "Nobody is banned" in window.text("#ban-list"), "the pardon")
        window.until(lambda: "is served" in window.text("#event-list"), "the event")

    await inside(look)
    assert (await running.client.api.get("/v1/bans"))["items"] == []


async def test_nothing_serious_is_found_by_axe(running, window):
    def look():
        window.log_in(token_of(running))
        window.until(lambda: nodes_shown(window) and window.all("#scans td"), "all parts")
        found = window.axe()
        if found is None:
            pytest.skip("axe-core is not installed; `make test` installs it where npm is")
        assert found == []

    await inside(look)


async def test_the_graph_changes_when_a_node_leaves(running, window):
    leaving = next(each for each in running.mesh.nodes if each is not running.client)

    def before():
        window.log_in(token_of(running))
        window.until(lambda: nodes_shown(window) == 6, "six nodes")

    def after():
        lines = "#graph line.full"
        window.until(lambda: "closed" in window.text("#event-list"), "a link that closed")
        window.until(lambda: len(window.all(lines)) < full, "fewer links")
        window.picture("left")

    await inside(before)
    full = len(window.all("#graph line.full"))
    await running.processes_of(leaving).stop()
    await inside(after)


async def test_the_cookie_of_a_session_is_not_for_scripts(running, window):
    def look():
        window.log_in(token_of(running))
        assert window.driver.execute_script("return document.cookie") == ""
        [cookie] = window.driver.get_cookies()
        assert cookie["httpOnly"]
        assert cookie["sameSite"] == "Strict"
        window.at("#logout").send_keys(Keys.ENTER)
        window.until(lambda: window.at("#token").is_displayed(), "the form again")
        assert window.driver.get_cookies() == []

    await inside(look)
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{running.client.api_url}/v1/node")).status_code == 401
