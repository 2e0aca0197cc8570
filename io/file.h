/*
 * file — small files, read whole.
 */
#pragma once

#include "base/must.h"

/* Reads on until `size` bytes are there or the file ends, whatever interrupts: how many, or -1 with errno. */
MUST_USE long file_read(int descriptor, char *into, size_t size);
