"""demo_customer — what `up` leaves to play with: the default route to the sandbox, and a sandbox customer Demo with a key,
an IP and a mailbox. Run again, it makes what is missing and touches nothing else."""
import os
import pathlib
import sys

from client import Api, Refused

NAME = "Demo"
MAILBOX = "ann@demo.example"


def lay_route(api):
    """To the sandbox, unless the operator has sent `*` to another machine."""
    host, port = os.environ["EVENPOST_SMTP_ADDRESS"].rsplit(":", 1)
    for route in api.all("/v1/routes"):
        if route["domain"] == "*" and not route["host"].startswith("127."):
            return
    api.put("/v1/routes/%2A", {"host": host, "port": int(port), "tls": "none"})


def find_or_make_customer(api):
    for customer in api.all("/v1/customers"):
        if customer["name"] == NAME and customer["mode"] == "sandbox" and customer["state"] == "active":
            return customer["id"]
    return api.post("/v1/customers", {"name": NAME, "mode": "sandbox"})["id"]


def keep_key(api, file):
    """A key is shown once: without its file, or with one that is no longer good, there must be a new one."""
    if file.exists():
        try:
            Api(api.base, file.read_text().strip()).get("/v1/me")
            return
        except Refused:
            pass
    made = api.post("/v1/keys", {"name": "demo"})
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(made["key"] + "\n")


def assign_ip(api, address):
    wanted = {"address": address, "host": os.environ["EVENPOST_SENDER_HOST"], "ptr": "mail.demo.example"}
    try:
        ip = api.post("/v1/ips", wanted)
    except Refused as refused:
        if refused.slug != "address-taken":
            raise
        ip = next(ip for ip in api.all("/v1/ips") if ip["address"] == address)
    if ip["state"] == "available":
        api.post(f"/v1/ips/{ip['id']}/assign", {"customer_id": api.customer})


def make_mailbox(api):
    try:
        api.post("/v1/mailboxes", {"address": MAILBOX, "display_name": "Ann of Demo"})
    except Refused as refused:
        if refused.slug != "address-taken":
            raise


def main():
    operator = Api.of_home()
    lay_route(operator)
    demo = Api.of_home(find_or_make_customer(operator))
    keep_key(demo, pathlib.Path(os.environ["EVENPOST_DEMO_KEY_FILE"]))
    assign_ip(demo, os.environ["EVENPOST_DEMO_ADDRESS"])
    make_mailbox(demo)


if __name__ == "__main__":
    try:
        main()
    except Exception as error:  # one sentence for a person; the step shows it
        sys.exit(f"{type(error).__name__}: {error}")
