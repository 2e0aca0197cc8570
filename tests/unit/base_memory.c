/* base/memory: what an arena hands out is zeroed, aligned, apart from everything else, and dies together. */
#include "base/memory.h"

#include <stdarg.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static void what_an_arena_gives_is_zeroed_aligned_and_apart(void **state) /* catches: a block's end miscounted */
{
    (void)state;
    struct arena *arena = arena_new();
    unsigned char *pieces[400];
    for (size_t i = 0; i < COUNT(pieces); i++) {
        pieces[i] = arena_bytes(arena, i * 37 % 9000);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        for (size_t k = 0; k < i * 37 % 9000; k++)
            assert_int_equal(pieces[i][k], 0);
        memset(pieces[i], (int)(i % 255) + 1, i * 37 % 9000);
    }
    for (size_t i = 0; i < COUNT(pieces); i++)
        for (size_t k = 0; k < i * 37 % 9000; k++)
            assert_int_equal(pieces[i][k], i % 255 + 1);
    arena_free(&arena);
    assert_null(arena);
}

static void a_copy_of_nothing_is_no_fault(void **state) /* catches: memcpy from NULL */
{
    (void)state;
    struct arena *arena = arena_new();
    assert_non_null(arena_copy(arena, NULL, 0));
    arena_free(&arena);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_arena_gives_is_zeroed_aligned_and_apart),
        cmocka_unit_test(a_copy_of_nothing_is_no_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
