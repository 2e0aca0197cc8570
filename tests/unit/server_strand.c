/* Strands: straight code that waits, one behind the other, on stacks of their own. */
#include "server/strand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct thought {
    struct strand *strand;
    bool over;
    int waits, waited;
};

static void think(void *of)
{
    struct thought *thought = of;
    volatile char room[4096]; /* a stack that is shared would not hold this over a wait */
    for (size_t i = 0; i < sizeof room; i++)
        room[i] = (char)(thought->waits + (int)i);
    for (; thought->waited < thought->waits; thought->waited++)
        strand_wait(thought->strand);
    for (size_t i = 0; i < sizeof room; i++)
        assert_int_equal(room[i], (char)(thought->waits + (int)i));
}

static void strands_wait_and_go_on_where_they_were(void **state)
{
    (void)state;
    enum { COUNT_OF = 200 };
    static struct thought thoughts[COUNT_OF];
    for (int round = 0; round < 3; round++) { /* the second round runs on kept stacks */
        for (int i = 0; i < COUNT_OF; i++) {
            thoughts[i] = (struct thought){ .waits = i % 7 };
            thoughts[i].strand = strand_new(think, &thoughts[i], &thoughts[i].over);
        }
        bool left = true;
        while (left) {
            left = false;
            for (int i = 0; i < COUNT_OF; i++) {
                if (thoughts[i].over)
                    continue;
                strand_resume(thoughts[i].strand);
                left = true;
            }
        }
        for (int i = 0; i < COUNT_OF; i++)
            assert_int_equal(thoughts[i].waited, thoughts[i].waits);
    }
    strand_free_spare();
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(strands_wait_and_go_on_where_they_were) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
