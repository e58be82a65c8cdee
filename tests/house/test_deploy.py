"""What deploy/ says is what the house does: nginx takes it, systemd takes it, and all of them start the same commands."""

from __future__ import annotations

import configparser
import datetime
import os
import re
import runpy
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from board import create_app
from board.web import KEY_PARTS
from tests.conftest import settings
from tests.servers import ROOT, program

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
SERVICES = [path for path in UNITS if path.suffix == ".service"]


class Unit(configparser.ConfigParser):
    """A unit file; a key that stands twice keeps both values, a line each."""

    def __init__(self, path: Path) -> None:
        super().__init__(strict=False, interpolation=None, delimiters=("=",), comment_prefixes=("#",))
        self.optionxform = str  # type: ignore[assignment,method-assign]
        seen: dict[tuple[str, str], int] = {}
        section, lines = "", []
        for line in path.read_text().splitlines():
            if line.startswith("["):
                section = line
            key, equals, rest = line.partition("=")
            if equals and not line.startswith("#"):
                seen[section, key] = count = seen.get((section, key), 0) + 1
                line = f"{key}{'' if count == 1 else f' {count}'}={rest}"
            lines.append(line)
        self.read_string("\n".join(lines))

    def all(self, section: str, key: str) -> list[str]:
        """Every value of a key that may stand several times."""
        return [value for name, value in self[section].items() if name.split()[0] == key]

    @property
    def command(self) -> list[str]:
        """What it starts, the path of the program cut to its name."""
        first, *rest = shlex.split(self["Service"]["ExecStart"])
        return [Path(first).name, *rest]


@pytest.fixture
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


# --- nginx ------------------------------------------------------------------------------------------------


def self_signed(folder: Path) -> None:
    """A certificate for the name in the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "station24.example.cn")])
    start = datetime.datetime(2026, 1, 1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


@pytest.mark.servers
def test_nginx_takes_the_configuration_as_it_stands_with_its_tls(tmp_path: Path) -> None:
    self_signed(tmp_path)
    site = (DEPLOY / "nginx.conf").read_text()
    for place in ("/etc/ssl/station24", "/var/cache/nginx-station24", "/var/log/nginx"):
        assert place in site
        site = site.replace(place, str(tmp_path / ("cache" if "cache" in place else "")))
    (tmp_path / "site.conf").write_text(site)
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{ access_log off; include {tmp_path}/site.conf; }}\n"
    )
    answer = subprocess.run(
        [program("nginx") or "", "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr


def test_nginx_writes_down_no_address_that_opens_something_and_nothing_that_was_searched_for(
    tmp_path: Path,
) -> None:
    site = (DEPLOY / "nginx.conf").read_text()
    doors = re.search(r"\(\?<station24_door>/\(\?:([^)]*)\)\)/ \$station24_door/-;", site)
    assert doors is not None
    rules = create_app(settings(tmp_path)).url_map.iter_rules()
    keys = {rule.rule.partition("/<")[0] for rule in rules if rule.arguments & set(KEY_PARTS)}
    assert {f"/{door}" for door in doors[1].split("|")} == keys
    written = re.search(r"log_format station24 '(.*)';", site)
    assert written is not None
    assert not re.search(r"\$(request|request_uri|args|query_string|http_referer|http_cookie)\b", written[1])
    assert "access_log /var/log/nginx/access.log station24;" in site


def test_nginx_lets_through_what_the_board_takes_and_little_more(tmp_path: Path) -> None:
    app = create_app(settings(tmp_path))
    limit = re.search(r"client_max_body_size (\d+)m;", (DEPLOY / "nginx.conf").read_text())
    assert limit is not None
    theirs, ours = int(limit[1]) * 1024 * 1024, app.config["MAX_CONTENT_LENGTH"]
    # A little more, so that the board can say so in the reader's language.
    assert ours < theirs <= ours + 4 * 1024 * 1024


def test_nginx_replaces_everything_that_a_client_could_say_about_itself() -> None:
    site = (DEPLOY / "nginx.conf").read_text()
    for name in ("X-Forwarded-For $remote_addr", "X-Forwarded-Proto $scheme", "X-Forwarded-Host $http_host"):
        assert f"proxy_set_header {name};" in site
    assert "$proxy_add_x_forwarded_for" not in site
    assert "BOARD_PROXIES=1" in (DEPLOY / "station24.env").read_text()
    # A location that sets a header of its own inherits none.
    for location in re.findall(r"location [^{]+\{(.*?)\n    \}", site, re.DOTALL):
        assert "proxy_set_header" not in location


def test_a_socket_may_be_silent_for_longer_than_its_ping() -> None:
    site = (DEPLOY / "nginx.conf").read_text()
    block = re.search(r"location /socket\.io/ \{(.*?)\}", site, re.DOTALL)
    assert block is not None
    timeout = re.search(r"proxy_read_timeout (\d+)s;", block[1])
    assert timeout is not None
    assert int(timeout[1]) > 25 + 20, "ping interval and ping timeout of board/hub.py"


def test_the_page_nginx_shows_by_itself_speaks_both_languages_and_names_the_emergency_number() -> None:
    page = (DEPLOY / "away.html").read_text()
    assert 'lang="zh-Hans-CN"' in page
    assert 'lang="en"' in page
    assert page.count('href="tel:110"') == 2
    assert not re.search(r"<script|<style|style=|https?://", page)


# --- systemd ------------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
def test_systemd_takes_every_unit(tmp_path: Path) -> None:
    for path in UNITS:
        text = path.read_text().replace("/opt/station24/.venv/bin/", "/bin/true #")
        text = re.sub(r"^(ExecStart=/bin/true) #.*$", r"\1", text, flags=re.MULTILINE)
        (tmp_path / path.name).write_text(text)
    names = [str(tmp_path / path.name.replace("@.", "@1.")) for path in UNITS]
    (tmp_path / "station24-worker@1.service").write_text((tmp_path / "station24-worker@.service").read_text())
    answer = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:/lib/systemd/system"},
    )
    about_ours = [line for line in answer.stderr.splitlines() if "station24" in line]
    assert about_ours == [], answer.stderr


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_a_service_runs_as_nobody_in_particular_and_may_write_only_its_own_folder(path: Path) -> None:
    service = Unit(path)["Service"]
    assert service["User"] == "station24"
    for key, value in (
        ("ProtectSystem", "strict"), ("ProtectHome", "yes"), ("NoNewPrivileges", "yes"), ("PrivateTmp", "yes"),
        ("CapabilityBoundingSet", ""), ("StateDirectory", "station24"), ("SystemCallFilter", "@system-service"),
    ):  # fmt: skip
        assert service[key] == value, key
    assert "ReadWritePaths" not in service
    assert any("BOARD_DATA=/var/lib/station24" in value for value in Unit(path).all("Service", "Environment"))


def test_the_target_starts_every_service_and_each_comes_back_by_itself() -> None:
    wanted = Unit(DEPLOY / "systemd" / "station24.target")["Unit"]["Wants"].split()
    assert {name.replace("@1.", "@.").replace("@2.", "@.") for name in wanted} == {
        path.name for path in SERVICES if path.name != "station24-upgrade.service"
    }
    for path in SERVICES:
        service = Unit(path)["Service"]
        if service.get("Type") != "oneshot":
            assert service["Restart"] == "always"
            assert Unit(path)["Unit"]["Requires"] == "station24-upgrade.service"


# --- one and the same ------------------------------------------------------------------------------------------


def test_compose_and_systemd_start_the_same_commands(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, unit in (
        ("upgrade", "station24-upgrade"), ("web", "station24-web"), ("live", "station24-live"),
        ("worker", "station24-worker@"),
    ):  # fmt: skip
        assert services[name]["command"] == Unit(DEPLOY / "systemd" / f"{unit}.service").command, name


def test_pages_and_sockets_listen_where_nginx_looks_for_them(compose: dict[str, Any]) -> None:
    site = (DEPLOY / "nginx.conf").read_text()
    for name, port in (("web", "8001"), ("live", "8101")):
        assert f"server 127.0.0.1:{port} " in site
        unit = Unit(DEPLOY / "systemd" / f"station24-{name}.service")
        assert any(f"PORT={port}" in value for value in unit.all("Service", "Environment"))
        assert compose["services"][name]["environment"]["PORT"] == port
        assert f"s/127.0.0.1:{port}/{name}:{port}/" in compose["services"]["nginx"]["command"][2]
    assert compose["services"]["web"]["environment"]["BOARD_ROLE"] == "pages"


def test_the_commands_exist(tmp_path: Path) -> None:
    commands = create_app(settings(tmp_path)).cli.commands
    for path in SERVICES:
        first, *rest = Unit(path).command
        if first == "flask":
            assert rest[0] in commands
        else:
            assert first == "gunicorn"
            assert (ROOT / rest[rest.index("-c") + 1]).is_file()


def test_every_setting_that_is_named_is_one_that_the_board_reads() -> None:
    read = (ROOT / "board" / "settings.py").read_text()
    for path in (*DEPLOY.rglob("*"), ROOT / "docs" / "running.md"):
        if path.is_file():
            named = set(re.findall(r"\bBOARD_[A-Z_]+\b", path.read_text()))
            assert {name for name in named if f'"{name}"' not in read} <= {"BOARD_CITY"}, path.name


def test_the_live_process_is_one_gevent_process_that_takes_the_role_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from gunicorn.config import KNOWN_SETTINGS

    monkeypatch.setenv("BOARD_ROLE", "pages")
    pages = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    given = runpy.run_path(str(ROOT / "gunicorn.live.conf.py"))
    assert os.environ["BOARD_ROLE"] == "live"
    assert (given["worker_class"], given["workers"]) == ("gevent", 1)
    assert pages["threads"] == 24
    # gunicorn passes over a misspelt setting without a word.
    names = {name for name in given if name[0] != "_" and name != "os"}
    assert names - {setting.name for setting in KNOWN_SETTINGS} == set()


def test_the_image_installs_what_the_house_pins_and_takes_no_secrets_along() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    assert "--require-hashes -r requirements-scaled.txt" in text
    assert "npm ci" in text
    # Who serves may not write in the house, so the words are compiled before.
    assert text.index("flask board make-keys") < text.index("USER station24")
    left_out = (DEPLOY / "Dockerfile.dockerignore").read_text().split()
    assert {".git", "instance", ".venv"} <= set(left_out)
