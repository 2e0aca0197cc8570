"""One customer's request or message is as large as it may be: the others are heard meanwhile.

Every end-to-end test fails when a program's loop was held for 50 ms of CPU time (harness/complaints.py); here is what holds it.
"""
import base64
import os

from harness.complaints import complaints_of
from harness.evenpost import Messages
from outcome import outcome


@outcome(fault="a customer sends the largest message, text and list of mailboxes that there may be, and reads the source of each",
         before="programs that serve others too", after="all is done, by another thread where it takes long",
         receiver="the messages, whole", customer="its answers; to others no delay")
def test_t179_the_largest_request_holds_nobody_up(platform):
    """Catches JSON, base64 or MIME of ten megabytes on the loop: 0.3 s in which no other request is answered."""
    evenpost = platform()
    acme = evenpost.customer()
    acme.ip()
    acme.mailboxes(3)
    receiver = evenpost.receiver()
    file = {"filename": "a.bin", "content_type": "application/octet-stream",
            "content_base64": base64.b64encode(os.urandom(9_900_000)).decode()}
    body = {"to": {"address": f"p1@{receiver.domain}"}, "subject": "Large", "text": "x", "attachments": [file]}
    large = acme.api.post("/v1/messages", body, expect=202, Idempotency_Key="once").body
    assert acme.api.post("/v1/messages", body, expect=202, Idempotency_Key="once").body == large
    long = acme.send_one(f"p2@{receiver.domain}", text="grüße und Zeilen\n" * 55_000)
    sent = Messages(acme, [large["id"], long["id"]])
    for message in sent.ids:
        acme.api.get(f"/v1/messages/{message}/source")
    boxes = {"mailboxes": [{"address": f"m{n}@bücher.test"} for n in range(500)]}
    assert len(acme.api.post("/v1/mailboxes", boxes, expect=201)["data"]) == 500
    acme.api.get("/v1/mailboxes?limit=200")
    acme.api.get("/v1/capacity")
    evenpost.play(sent, "delivered")
    assert len(receiver.dots_to(f"p1@{receiver.domain}")[0].content) > 13_000_000
    assert [line for program in (evenpost.server, evenpost.worker, evenpost.jobs) for line in complaints_of(program)] == []
