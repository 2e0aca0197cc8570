/* play — what the scripts' player shows to the table's. */
#pragma once

#include "base/text.h"

/* Plays it as it stands, a byte at a time and cut in two at every place; ends the program when something is not so. */
void play_script(const char *name, struct text script);
/* The whole file, in the arena; ends the program where there is none. */
struct text play_read(struct arena *arena, const char *path);

/* Every row of a table of faults; how many. */
int table_play(const char *path);
