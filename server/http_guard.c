#include "server/http_guard.h"

#include <string.h>

static struct guard_verdict refuse(int status, const char *sentence)
{
    return (struct guard_verdict){ .status = status, .sentence = sentence };
}

/* RFC 9110 §5.6.2. */
static bool is_token(struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.bytes[i];
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9');
        if (!letter && (byte == '\0' || strchr("!#$%&'*+-.^_`|~", byte) == NULL))
            return false;
    }
    return text.length > 0;
}

/* RFC 9110 §5.5: no CR, LF or NUL; the other controls are nobody's need either. */
static bool is_value(struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.bytes[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7F)
            return false;
    }
    return true;
}

static bool is_target(struct text target)
{
    if (target.length == 0 || target.bytes[0] != '/')
        return false;
    for (size_t i = 0; i < target.length; i++) {
        unsigned char byte = (unsigned char)target.bytes[i];
        if (byte <= 0x20 || byte >= 0x7F || byte == '#')
            return false;
    }
    return true;
}

static bool is_known_method(struct text method)
{
    static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE" };
    for (size_t i = 0; i < COUNT(methods); i++)
        if (text_equal(method, text_of(methods[i])))
            return true;
    return false;
}

static struct text value_of(const struct guard_head *head, struct text name, size_t *times)
{
    struct text value = TEXT_NONE;
    *times = 0;
    for (size_t i = 0; i < head->count; i++) {
        if (!text_equal_fold(head->fields[i].name, name))
            continue;
        value = head->fields[i].value;
        ++*times;
    }
    return value;
}

static struct guard_verdict check_fields(const struct guard_head *head)
{
    for (size_t i = 0; i < head->count; i++) {
        if (!is_token(head->fields[i].name))
            return refuse(400, "A header's name is no token.");
        if (!is_value(head->fields[i].value))
            return refuse(400, "A header's value holds a control character.");
    }
    return refuse(0, NULL);
}

/* RFC 9112 §6: how long the body is must be said once, in one way. */
static struct guard_verdict check_framing(const struct guard_head *head)
{
    size_t codings, lengths;
    struct text coding = value_of(head, TEXT("Transfer-Encoding"), &codings);
    struct text length = value_of(head, TEXT("Content-Length"), &lengths);
    struct guard_verdict verdict = { 0 };
    if (codings > 0 && lengths > 0)
        return refuse(400, "Transfer-Encoding and Content-Length stand together.");
    if (codings > 1 || lengths > 1)
        return refuse(400, "The body's length is given twice.");
    if (codings == 1) {
        if (text_equal(head->version, TEXT("HTTP/1.0")))
            return refuse(400, "HTTP/1.0 has no Transfer-Encoding.");
        if (!text_equal_fold(text_trim(coding), TEXT("chunked")))
            return refuse(400, "Only the transfer coding `chunked` is known.");
        verdict.body = verdict.chunked = true;
    }
    if (lengths == 1) {
        if (!text_to_uint(length, INT64_MAX, &verdict.content_length))
            return refuse(400, "Content-Length is no number.");
        verdict.body = verdict.content_length > 0;
    }
    return verdict;
}

static struct guard_verdict check_expectation(const struct guard_head *head)
{
    size_t times;
    struct text expectation = value_of(head, TEXT("Expect"), &times);
    if (times > 1 || (times == 1 && !text_equal_fold(expectation, TEXT("100-continue"))))
        return refuse(417, "Only `Expect: 100-continue` is known.");
    value_of(head, TEXT("Upgrade"), &times);
    if (times > 0)
        return refuse(400, "Nothing to upgrade to is offered.");
    value_of(head, TEXT("Content-Encoding"), &times);
    if (times > 0)
        return refuse(415, "Content-Encoding is not taken: send the body as it is.");
    return refuse(0, NULL);
}

struct guard_verdict guard_check(const struct guard_head *head)
{
    if (!text_equal(head->version, TEXT("HTTP/1.1")) && !text_equal(head->version, TEXT("HTTP/1.0")))
        return refuse(400, "Only HTTP/1.1 and HTTP/1.0 are spoken.");
    if (!is_known_method(head->method))
        return refuse(400, "The method is unknown.");
    if (!is_target(head->target))
        return refuse(400, "The target must begin with a slash and be visible ASCII.");
    size_t hosts;
    value_of(head, TEXT("Host"), &hosts);
    if (hosts > 1)
        return refuse(400, "There are two Hosts.");
    struct guard_verdict verdict = check_fields(head);
    if (verdict.status == 0)
        verdict = check_expectation(head);
    return verdict.status != 0 ? verdict : check_framing(head);
}
