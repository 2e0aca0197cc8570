"""T94: whose name a request's Host is; what the server was not told of, it does not answer to."""
import http.client

import pytest

from api.witness import check_problem
from harness.api import Answer


def asked(evenpost, host, path="/v1/me", key=True):
    connection = http.client.HTTPConnection(evenpost.api.host, evenpost.api.port, timeout=10)
    connection.sock = evenpost.api.connect()
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", host)
    if key:
        connection.putheader("Authorization", f"Bearer {evenpost.key}")
    connection.endheaders()
    response = connection.getresponse()
    answer = Answer(response.status, response.headers, response.read())
    connection.close()
    return answer


@pytest.mark.parametrize("host", ["api.test", "API.test:8025", "api.test.", "localhost", "localhost:1", "192.0.2.9", "[::1]:8025"])
def test_t094_our_names_and_addresses_are_answered(evenpost, host):
    assert asked(evenpost, host).status == 200


@pytest.mark.parametrize("host", ["evil.example", "api.test.evil.example", "xapi.test", "api.test:x", "", "user@api.test", "api.test/",
                                  "evil.example:8025", "127.0.0.1.evil.example", "*"])
@pytest.mark.parametrize("path", ["/v1/me", "/healthz", "/nothing"])
def test_t094_a_strangers_name_is_not_served(evenpost, host, path):
    """Catches DNS rebinding: a page whose name leads to us, asking in its reader's name; before any key is looked at."""
    for key in (True, False):
        answer = asked(evenpost, host, path, key)
        assert answer.status == 421 and answer.headers["Connection"] == "close"
        check_problem(answer)
        assert "evil" not in str(answer.body)


def test_t094_no_link_is_made_of_a_host(evenpost):
    """Catches a Location that a stranger chose."""
    acme = evenpost.customer("Links")
    made = acme.api.post("/v1/pools", {"name": "links"}, Host="api.test:9", X_Forwarded_Host="evil.example", Forwarded="host=evil.example")
    assert made.headers["Location"] == f"/v1/pools/{made['id']}"
    assert "evil" not in str(made.headers.items()) and b"evil" not in made.octets
