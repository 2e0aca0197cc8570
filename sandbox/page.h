/*
 * page — the one page for people: what was counted, and what came in. Everything a stranger wrote is escaped, nothing is
 * inline, nothing runs.
 */
#pragma once

#include "sandbox/inbox.h"

#define PAGE_MESSAGES 100  /* newest, that are listed */
#define PAGE_TEXT_MAX 4096 /* octets of a text that are shown */
#define PAGE_SOURCES  200  /* that are listed */

struct text page_html(struct arena *arena, const struct inbox *inbox, const struct record *record);
struct text page_style(void);
