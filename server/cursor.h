/*
 * cursor — where a list goes on: opaque, sealed with a MAC, and bound to the list, its filters and whose rows they are.
 *
 * Lists run newest first by their UUIDv7, so a page begins behind the last id of the one before, whatever was added
 * meanwhile. A statement is asked for one row more than the page holds: that row says whether there is a next page.
 */
#pragma once

#include "server/request.h"

struct page {
    size_t limit;         /* rows on this page */
    struct uuid before;   /* rows below this id; all ones: from the newest */
    struct text position; /* as the cursor holds it; TEXT_NONE: from the start */
};

extern const struct uuid page_newest; /* `before` it are all */

/* Reads `limit` and `cursor`. False: answered 400 bad-cursor. */
MUST_USE bool page_take(struct request *request, struct page *page);
/* What a statement is asked for. */
int64_t page_wanted(const struct page *page);
/* `rows` came; how many of them are shown. */
size_t page_shown(const struct page *page, size_t rows);
/* Answers the list; data is taken over. last: the id of the last one shown. */
void page_answer(struct request *request, const struct page *page, json_t *data, size_t rows, struct uuid last);
void page_answer_at(struct request *request, const struct page *page, json_t *data, size_t rows, struct text last);
