"""What mail/letter composes, read by Python's email package: another parser, sharing no code."""
import base64
import email
import email.header
import email.policy
import email.utils
import os
import pathlib
import re
import subprocess

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

HELD = {"from": "ann@acme.example", "to": "bo@example.com", "message_id": "msg_1@acme.example", "date": "1795500067000000",
        "subject": "Hello", "text": "Hello Bo.\n"}


def compose(expected=0, **parts):
    """The octets of a letter; lists of tuples for header, file and reference."""
    lines = []
    for name, value in {**HELD, **parts}.items():
        for item in value if isinstance(value, list) else [value]:
            words = item if isinstance(item, tuple) else (item,)
            coded = [base64.b64encode(word if isinstance(word, bytes) else word.encode()).decode() for word in words if word is not None]
            if coded:
                lines.append(" ".join([name, *coded]) + "\n")
    program = pathlib.Path(os.environ["EVENPOST_BUILD"]) / "letter_octets"
    done = subprocess.run([program], input="".join(lines).encode(), capture_output=True)
    assert done.returncode == expected, done.stderr.decode()
    return done.stdout


def read(octets):
    return email.message_from_bytes(octets, policy=email.policy.SMTP)


def is_canonical(octets):
    lines = octets.split(b"\r\n")
    return (lines[-1] == b"" and not any(b"\r" in line or b"\n" in line or b"\0" in line for line in lines)
            and max(map(len, lines)) <= 998 and all(byte < 128 for byte in octets))


def lines_of(text):
    """The text as it must arrive: any line end is one, and the last line has one."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") else text + "\n"


def body(part):
    return part.get_content().replace("\r\n", "\n")


def name_in(octets):
    """The display name in From. Not by the policy: its parser puts a blank between two encoded-words of a name."""
    field = email.message_from_bytes(octets)["From"]
    return str(email.header.make_header(email.header.decode_header(email.utils.parseaddr(field)[0])))


LANGUAGES = {
    "English": "Hello Bo, how are you?", "German": "Grüße aus Köln, Straße 5", "Polish": "Zażółć gęślą jaźń",
    "Czech": "Příliš žluťoučký kůň úpěl ďábelské ódy", "Greek": "Καλημέρα, τι κάνετε;", "Russian": "Здравствуйте, как дела?",
    "Hebrew": "שלום, מה שלומך?", "Arabic": "مرحبا، كيف حالك؟", "Hindi": "नमस्ते, आप कैसे हैं?", "Thai": "สวัสดีครับ สบายดีไหม",
    "Chinese": "您好，最近怎么样？", "Japanese": "こんにちは、お元気ですか？", "Korean": "안녕하세요, 어떻게 지내세요?",
    "Vietnamese": "Chào bạn, bạn khỏe không?", "Turkish": "Merhaba, nasılsınız? İıŞşĞğ", "Emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 hello 🙂",
}


def test_text_subject_and_names_in_every_language_arrive_as_they_were_written():
    """Catches a character cut in two by an encoded-word, a name that lost its blanks, a charset that does not fit."""
    for language, words in LANGUAGES.items():
        for times in (1, 3):
            subject, name = " ".join([words] * times), words[:30]
            octets = compose(subject=subject, text=f"{words}\n\n{words}", html=f"<p>{words}</p>", from_name=name, to_name=name)
            message = read(octets)
            assert is_canonical(octets), language
            assert message["Subject"] == subject, language
            assert name_in(octets) == name, language
            assert message["To"].addresses[0].addr_spec == "bo@example.com", language
            plain, html = message.iter_parts()
            for part in (plain, html):
                assert b"\n" not in part.get_payload(decode=True).replace(b"\r\n", b""), language  # RFC 2046 §4.1.1, also under base64
            assert body(plain) == lines_of(f"{words}\n\n{words}") and body(html) == lines_of(f"<p>{words}</p>"), language


def test_the_head_has_these_fields_once_and_no_other():
    """Catches a Bcc, a Received, an id of ours in what strangers read (T14)."""
    octets = compose(from_name="Ann Lee", to_name="Bo", reply_to="desk@acme.example", in_reply_to="p@example.com",
                     reference=["r1@example.com", "r2@example.com"], header=[("X-Lead", "42"), ("Importance", "high")], html="<p>x</p>")
    message = read(octets)
    assert message.keys() == ["Date", "From", "Reply-To", "To", "Subject", "Message-ID", "In-Reply-To", "References", "X-Lead",
                              "Importance", "MIME-Version", "Content-Type"]
    assert message["Date"] == "Tue, 24 Nov 2026 06:01:07 +0000" and message["Message-ID"] == "<msg_1@acme.example>"
    assert message["In-Reply-To"] == "<p@example.com>"
    assert message["References"] == "<r1@example.com> <r2@example.com> <p@example.com>"
    assert octets == compose(from_name="Ann Lee", to_name="Bo", reply_to="desk@acme.example", in_reply_to="p@example.com",
                             reference=["r1@example.com", "r2@example.com"], header=[("X-Lead", "42"), ("Importance", "high")],
                             html="<p>x</p>")


def test_a_long_thread_keeps_its_first_and_its_last_references():
    """Catches a References field that grows for ever."""
    ids = [f"r{i}@example.com" for i in range(60)]
    message = read(compose(in_reply_to="p@example.com", reference=ids))
    kept = message["References"].split()
    assert kept[0] == "<r0@example.com>" and kept[-1] == "<p@example.com>" and kept[-2] == "<r59@example.com>" and len(kept) == 20


def test_attachments_arrive_octet_for_octet_under_their_names():
    """Catches a line end that is repaired inside a file, a name in somebody else's charset, a name with a quote."""
    every = bytes(range(256)) * 5
    files = [("all.bin", "application/octet-stream", every), ("Grüße.txt", "text/plain", b"x"), ("Grüße 日本.txt", "text/plain", b"a\nb\r\nc\rd\0"),
             ('a "b";\\c.pdf', "application/pdf", b"%PDF"), ("leer.txt", "text/plain", b""),
             ("x" * 190 + ".csv", "text/csv", b"1,2\n")]
    octets = compose(html="<p>x</p>", file=files)
    message = read(octets)
    assert is_canonical(octets) and message.get_content_type() == "multipart/mixed"
    assert b"iso-8859" not in octets.lower()
    found = [(part.get_filename(), part.get_content_type(), part.get_payload(decode=True)) for part in message.iter_attachments()]
    assert found == files
    assert message.get_body(("plain",)).get_content().strip() == "Hello Bo."


def test_a_file_whose_name_looks_like_an_encoded_word_keeps_that_name():
    """Catches a name that a reader decodes against RFC 2047 §5, to a line end or to another name."""
    names = ["=?utf-8?q?=0D=0ABcc:_x?=.txt", "=?utf-8?b?YQ0KQmNjOiB4?=", "ü =?x?= 日本" * 8, "=?"]
    octets = compose(file=[(name, "text/plain", b"x") for name in names])
    assert is_canonical(octets)
    assert [part.get_filename() for part in read(octets).iter_attachments()] == names
    assert b"=?" not in octets


INJECTIONS = ["a\r\nBcc: x@evil.example", "a\nBcc: x@evil.example", "a\rBcc: x@evil.example", "a\0b", "a\x85Bcc: x", "a\u2028Bcc: x",
              "a\u2029Bcc: x", "a\x1bb", "a\x7fb", "a\tb"]
HARMLESS = ["a%0d%0aBcc: x@evil.example", "a&#13;&#10;Bcc: x@evil.example", "=?utf-8?q?a=0D=0ABcc:_x?=", "=?utf-8?b?YQ0KQmNjOiB4?=",
            "a\\r\\nBcc: x", "a; Bcc: x"]


def test_no_string_adds_a_line_to_the_head():
    """Catches header injection in any field (T05, T06): controls are refused, what only looks like them is shown as it is."""
    usual = read(compose(from_name="Ann", to_name="Bo", header=[("X-Lead", "42")])).keys()
    for text in INJECTIONS:
        for field in ("subject", "from_name", "to_name"):
            compose(expected=3, **{field: text})
        compose(expected=3, header=[("X-Lead", text)])
        compose(expected=3, header=[(text, "42")])
        compose(expected=3, file=[(text, "text/plain", b"x")])
        for field in ("from", "to", "reply_to"):
            compose(expected=3, **{field: text + "@example.com"})
            compose(expected=3, **{field: "bo@example.com" + text})
        for field in ("message_id", "in_reply_to"):
            compose(expected=3, **{field: text + "@example.com"})
    for text in HARMLESS:
        message = read(compose(subject=text, from_name=text, to_name=text, header=[("X-Lead", text)]))
        assert message.keys() == usual
        assert message["Subject"] == text or "=0D" in text or "YQ0K" in text


def test_a_line_of_any_length_arrives():
    """Catches a line that is cut or broken where 998 ends (T13)."""
    for text in ("x" * 100_000, "word " * 20_000, "ü" * 50_000, "From here\n.\n..\n \n\t\nend ", "From here\n",
                 "--=_alternative_msg_1\n", "--=_alternative_msg_1--\n"):
        octets = compose(text=text, html=text)
        plain, html = read(octets).iter_parts()
        assert is_canonical(octets) and b"\r\nFrom " not in octets
        assert body(plain) == lines_of(text) and body(html) == lines_of(text)


def test_a_value_of_one_long_word_arrives():
    """Catches a line of the head that no fold can shorten."""
    octets = compose(subject="s" * 998, header=[("X-Long", "l" * 2000)])
    assert is_canonical(octets)
    assert read(octets)["Subject"] == "s" * 998 and read(octets)["X-Long"] == "l" * 2000


SAID = st.text(alphabet=st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=120)
WRITTEN = st.text(alphabet=st.one_of(st.characters(blacklist_categories=("Cc", "Cs")), st.sampled_from("\r\n\t .=")), max_size=400)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(subject=SAID, text=WRITTEN, html=st.none() | WRITTEN)
def test_any_subject_and_any_text_arrive(subject, text, html):
    """A property: what Python reads is what was written."""
    octets = compose(subject=subject, text=text, html=html)
    assert is_canonical(octets)
    head = octets.split(b"\r\n\r\n")[0] + b"\r\n"
    # unfolded and decoded by hand: the package's own policy trims blanks that are part of the subject
    field = re.search(rb"Subject:((?:.*\r\n)(?: .*\r\n)*)", head).group(1).decode().replace("\r\n", "")
    words = re.findall(r"=\?utf-8\?([qb])\?([^?]*)\?=", field)
    decoded = "".join((base64.b64decode(data) if kind == "b" else
                       re.sub(rb"=([0-9A-F]{2})", lambda m: bytes([int(m[1], 16)]), data.replace("_", " ").encode())).decode()
                      for kind, data in words) if words else field[1:]
    assert decoded == subject
    parts = list(read(octets).iter_parts()) if html is not None else [read(octets)]
    assert [body(part) for part in parts] == [lines_of(each) for each in (text, html) if each is not None]
