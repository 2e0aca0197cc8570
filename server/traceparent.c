#include "server/traceparent.h"

enum { VERSION = 2, TRACE = 32, SPAN = 16, FLAGS = 2, LENGTH = VERSION + 1 + TRACE + 1 + SPAN + 1 + FLAGS };

static bool is_hex(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text_nibble(text.bytes[i]) > 15 || (text.bytes[i] >= 'A' && text.bytes[i] <= 'F'))
            return false;
    return true;
}

static bool is_zero(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.bytes[i] != '0')
            return false;
    return true;
}

/* Takes `digits` hexadecimal digits and the dash behind them, if there is a place for one. */
static bool take(struct text *rest, size_t digits, struct text *part)
{
    *part = text_slice(*rest, 0, digits);
    if (part->length != digits || !is_hex(*part))
        return false;
    *rest = text_after(*rest, digits);
    if (rest->length == 0)
        return true;
    bool dash = rest->bytes[0] == '-';
    *rest = text_after(*rest, 1);
    return dash;
}

struct text traceparent_read(struct arena *arena, struct text header)
{
    struct text rest = text_trim(header), version, trace, span, flags;
    if (text_is_none(header) || rest.length < LENGTH || !take(&rest, VERSION, &version) ||
        !take(&rest, TRACE, &trace) || !take(&rest, SPAN, &span) || !take(&rest, FLAGS, &flags))
        return TEXT_NONE;
    bool ours = text_equal(version, TEXT("00"));
    if (text_equal(version, TEXT("ff")) || (ours && text_trim(header).length != LENGTH) || is_zero(trace) ||
        is_zero(span))
        return TEXT_NONE;
    return text_format(arena, "00-%.*s-%.*s-%.*s", TEXT_ARG(trace), TEXT_ARG(span), TEXT_ARG(flags));
}

struct text traceparent_trace(struct text traceparent)
{
    return text_is_none(traceparent) ? TEXT_NONE : text_slice(traceparent, VERSION + 1, TRACE);
}
