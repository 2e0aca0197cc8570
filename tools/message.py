#!/usr/bin/python3
# message — one message in a sentence: why it has not gone, when it will, or how it ended.
#
#   ./evenpost message why ID [--json]

import argparse
import json
import sys

from client import Api, Refused, Unreachable


def sentence(message):
    to = message["to"]["address"]
    explanation = message["explanation"]
    until = f" (until {explanation['until']})" if explanation.get("until") else ""
    return f"{message['id']} to {to} is {message['state']}. {explanation['text']}{until}"


def attempt_line(attempt):
    reply = attempt.get("reply") or {}
    words = " ".join(str(part) for part in (reply.get("code"), reply.get("enhanced"), reply.get("text")) if part)
    entry = f" [{attempt['smtp_error_id']}]" if attempt.get("smtp_error_id") else ""
    return f"  {attempt['at']}  {attempt['ip']} → {attempt['remote']}  {attempt['stage']}: {attempt['outcome']}  {words}{entry}"


def why(identity, as_json):
    api = Api.of_home()
    message = api.get(f"/v1/messages/{identity}")
    attempts = api.get(f"/v1/messages/{identity}/attempts")["data"]
    if as_json:
        print(json.dumps({"message": message, "attempts": attempts}, indent=2, ensure_ascii=False))
        return
    print(sentence(message))
    for attempt in attempts:
        print(attempt_line(attempt))


def main():
    parser = argparse.ArgumentParser(prog="./evenpost message", add_help=False)
    parser.add_argument("verb", choices=["why"])
    parser.add_argument("id")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    try:
        why(given.id, given.json)
    except (Refused, Unreachable) as error:
        sys.exit(f"evenpost: {getattr(error, 'sentence', error)}")


if __name__ == "__main__":
    main()
