/*
 * dot — the transparency of DATA (RFC 5321 §4.5.2), a piece at a time.
 *
 * A line's first dot is doubled, over the final octets, whatever the edges of the buffers (T01 to T03). The last line
 * end of the content is held back: when everything went in, what came out lacks exactly DOT_END, which ends that line
 * and the message in one write. So the message is complete at the peer only when somebody decides that it shall be.
 *
 * The content is canonical (content_is_canonical()); a CR or LF that stands alone is asserted against, not repaired.
 */
#pragma once

#include "base/text.h"

#define DOT_END TEXT("\r\n.\r\n")

struct dot_writer {
    struct text rest; /* of the content, borrowed */
    bool line_start;
};

struct dot_writer dot_writer_of(struct text content);
/* Fills `out` with up to `room` octets (2 or more) and says how many; 0 only when everything before DOT_END is out. */
size_t dot_write(struct dot_writer *writer, char *out, size_t room);
