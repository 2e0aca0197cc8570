/*
 * A raw head, taken apart as a careless reader does it, before the guard (T85, T89, T92, T93): what passes has one meaning,
 * also for a careful one.
 */

#include "server/http_guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS_MAX = 32 };

static struct text next_line(struct text *rest)
{
    struct text line = text_slice(*rest, 0, text_find(*rest, '\n'));
    *rest = text_after(*rest, line.length + 1);
    return text_ends(line, TEXT("\r")) ? text_slice(line, 0, line.length - 1) : line;
}

static struct text next_word(struct text *rest)
{
    struct text word = text_slice(*rest, 0, text_find(*rest, ' '));
    *rest = text_after(*rest, word.length + 1);
    return word;
}

static size_t count_of(const struct guard_head *head, struct text name)
{
    size_t count = 0;
    for (size_t i = 0; i < head->count; i++)
        count += text_equal_fold(text_trim(head->fields[i].name), name);
    return count;
}

/* A line of a head, anywhere: no octet that ends it, or that another reader leaves out. */
static void check_octets(struct text text, bool blanks)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.bytes[i];
        assert(byte > ' ' || (blanks && (byte == ' ' || byte == '\t')));
        assert(byte != 0x7F && (blanks || byte < 0x80));
    }
}

static void check_passed(const struct guard_head *head, const struct guard_verdict *verdict)
{
    size_t lengths = count_of(head, TEXT("Content-Length")), codings = count_of(head, TEXT("Transfer-Encoding"));
    assert(lengths + codings <= 1 && count_of(head, TEXT("Host")) <= 1);
    assert(count_of(head, TEXT("Upgrade")) == 0 && count_of(head, TEXT("Content-Encoding")) == 0);
    assert(verdict->chunked == (codings == 1));
    assert(verdict->body == (verdict->chunked || verdict->content_length > 0));
    assert(lengths == 1 || verdict->content_length == 0);
    assert(head->target.length > 0 && head->target.bytes[0] == '/');
    check_octets(head->method, false);
    check_octets(head->target, false);
    check_octets(head->version, false);
    for (size_t i = 0; i < head->count; i++) {
        const struct guard_field *field = &head->fields[i];
        assert(field->name.length > 0 && !text_has(field->name, ':'));
        check_octets(field->name, false);
        check_octets(field->value, true);
        if (!text_equal_fold(field->name, TEXT("Content-Length")))
            continue;
        for (size_t digit = 0; digit < field->value.length; digit++)
            assert(field->value.bytes[digit] >= '0' && field->value.bytes[digit] <= '9');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct guard_field fields[FIELDS_MAX];
    struct text rest = text_from((const char *)data, size), first = next_line(&rest);
    struct guard_head head = { .fields = fields };
    head.method = next_word(&first);
    head.target = next_word(&first);
    head.version = first;
    while (rest.length > 0 && head.count < FIELDS_MAX) {
        struct text line = next_line(&rest);
        size_t colon = text_find(line, ':');
        fields[head.count++] =
            (struct guard_field){ text_slice(line, 0, colon), text_trim(text_after(line, colon + 1)) };
    }
    struct guard_verdict verdict = guard_check(&head);
    assert(verdict.status == 0 || (verdict.status >= 400 && verdict.status < 500 && verdict.sentence != NULL));
    if (verdict.status == 0)
        check_passed(&head, &verdict);
    return 0;
}
