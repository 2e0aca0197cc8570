#include "mail/dot.h"

struct dot_writer dot_writer_of(struct text content)
{
    assert(text_ends(content, TEXT("\r\n")));
    return (struct dot_writer){ .rest = text_slice(content, 0, content.length - 2), .line_start = true };
}

static char next_octet(struct dot_writer *writer)
{
    char octet = writer->rest.bytes[0];
    bool doubled = octet == '.' && writer->line_start;
    writer->line_start = false;
    if (doubled)
        return octet; /* the line's own dot is still in the rest */
    assert(octet != '\n');
    writer->rest = text_after(writer->rest, 1);
    return octet;
}

/* Both octets of a line end at once: neither may stand alone, so the second is never looked at by itself. */
static size_t put_line_end(struct dot_writer *writer, char *out, size_t room)
{
    if (room < 2)
        return 0;
    assert(writer->rest.length >= 2 && writer->rest.bytes[1] == '\n');
    out[0] = '\r';
    out[1] = '\n';
    writer->rest = text_after(writer->rest, 2);
    writer->line_start = true;
    return 2;
}

size_t dot_write(struct dot_writer *writer, char *out, size_t room)
{
    size_t length = 0;
    assert(room >= 2);
    while (length < room && writer->rest.length > 0) {
        if (writer->rest.bytes[0] != '\r') {
            out[length++] = next_octet(writer);
            continue;
        }
        size_t put = put_line_end(writer, out + length, room - length);
        if (put == 0)
            break;
        length += put;
    }
    return length;
}
