#include "sandbox/inbox.h"

#include "sandbox/folder.h"
#include "sandbox/letter.h"

struct kept {
    struct received received;
    struct arena *arena; /* holds it */
    size_t size;
};

struct inbox {
    struct kept *kept; /* a ring: number modulo max */
    size_t max, bytes;
    uint64_t first, end, dropped;
    struct folder *folder;
};

struct inbox *inbox_new(size_t max, uint64_t first, struct folder *folder)
{
    assert(max >= 1 && max <= INBOX_MAX);
    struct inbox *inbox = memory_make(struct inbox);
    inbox->kept = memory_make_array(struct kept, max);
    inbox->max = max;
    inbox->first = inbox->end = first;
    inbox->folder = folder;
    return inbox;
}

static void inbox_drop(struct inbox *inbox)
{
    struct kept *kept = &inbox->kept[inbox->first % inbox->max];
    if (inbox->folder != NULL)
        folder_drop(inbox->folder, inbox->first);
    inbox->first++;
    inbox->bytes -= kept->size;
    arena_free(&kept->arena);
    *kept = (struct kept){ 0 };
}

void inbox_forget(struct inbox *inbox)
{
    while (inbox->first < inbox->end)
        inbox_drop(inbox);
}

void inbox_free(struct inbox **inbox)
{
    if (*inbox == NULL)
        return;
    (*inbox)->folder = NULL; /* the files stay */
    inbox_forget(*inbox);
    memory_free(&(*inbox)->kept);
    memory_free(inbox);
}

static struct received received_copy(struct arena *arena, const struct received *received)
{
    struct received copy = *received;
    struct text *to = arena_make_array(arena, struct text, MAX_OF(received->recipients, (size_t)1));
    for (size_t i = 0; i < received->recipients; i++)
        to[i] = text_copy(arena, received->to[i]);
    copy.to = to;
    copy.source = text_copy(arena, received->source);
    copy.from = text_copy(arena, received->from);
    copy.raw = text_copy(arena, received->raw);
    copy.answer = text_is_none(received->answer) ? TEXT_NONE : text_copy(arena, received->answer);
    return copy;
}

/* Reading a letter makes more than is kept of it, so it has an arena of its own. */
static void received_read(struct arena *arena, struct received *received)
{
    struct arena *scratch = arena_new();
    struct letter letter = letter_read(scratch, received->raw);
    received->subject = text_copy(arena, letter.subject);
    received->text = text_copy(arena, letter.text);
    received->html = text_is_none(letter.html) ? TEXT_NONE : text_copy(arena, letter.html);
    arena_free(&scratch);
}

uint64_t inbox_add(struct inbox *inbox, const struct received *received)
{
    struct kept kept = { .arena = arena_new() };
    kept.received = received_copy(kept.arena, received);
    received_read(kept.arena, &kept.received);
    kept.size = arena_used(kept.arena);
    while (inbox->first < inbox->end &&
           (inbox->end - inbox->first == inbox->max || inbox->bytes + kept.size > INBOX_BYTES_MAX)) {
        inbox_drop(inbox);
        inbox->dropped++;
    }
    kept.received.number = inbox->end++;
    inbox->kept[kept.received.number % inbox->max] = kept;
    inbox->bytes += kept.size;
    if (inbox->folder != NULL)
        folder_keep(inbox->folder, kept.received.number, kept.received.raw);
    return kept.received.number;
}

const struct received *inbox_get(const struct inbox *inbox, uint64_t number)
{
    if (number < inbox->first || number >= inbox->end)
        return NULL;
    return &inbox->kept[number % inbox->max].received;
}

uint64_t inbox_first(const struct inbox *inbox)
{
    return inbox->first;
}

uint64_t inbox_end(const struct inbox *inbox)
{
    return inbox->end;
}

uint64_t inbox_dropped(const struct inbox *inbox)
{
    return inbox->dropped;
}
