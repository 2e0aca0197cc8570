/* base/map against a plain array, with every kind of change; base/list beside it. */
#include "base/map.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/list.h"

enum { KEYS = 500, STEPS = 200000 };

struct thing {
    char key[8];
    bool inside;
};

static void a_map_knows_what_an_array_knows(void **state) /* catches: a search that stops at a freed entry */
{
    (void)state;
    static struct thing things[KEYS];
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct map *map = map_new((struct hash_key){ seed, seed });
        size_t count = 0;
        uint64_t word = seed;
        for (size_t i = 0; i < KEYS; i++) {
            snprintf(things[i].key, sizeof things[i].key, "k%zu", i);
            things[i].inside = false;
        }
        for (int step = 0; step < STEPS; step++) {
            word = hash_mix(word);
            struct thing *thing = &things[word % KEYS];
            struct text key = text_of(thing->key);
            assert_ptr_equal(map_find(map, key), thing->inside ? thing : NULL);
            void *was = (word >> 32) % 2 ? map_put(map, key, thing) : map_remove(map, key);
            assert_ptr_equal(was, thing->inside ? thing : NULL);
            count = count + ((word >> 32) % 2 && !thing->inside) - (!((word >> 32) % 2) && thing->inside);
            thing->inside = (word >> 32) % 2;
            assert_int_equal(map_count(map), count);
        }
        map_each (map, struct thing, thing) {
            assert_true(thing->inside);
            count--;
        }
        assert_int_equal(count, 0);
        map_free(&map);
    }
}

static void a_list_keeps_its_order_and_lets_go(void **state) /* catches: a link left pointing into the list */
{
    (void)state;
    struct list list;
    struct link links[10];
    list_init(&list);
    for (size_t i = 0; i < COUNT(links); i++) {
        link_init(&links[i]);
        list_append(&list, &links[i]);
    }
    list_each (&list, link) {
        if ((link - links) % 2 == 0)
            list_remove(link);
    }
    for (size_t i = 1; i < COUNT(links); i += 2)
        assert_ptr_equal(list_take_first(&list), &links[i]);
    assert_true(list_is_empty(&list) && list_take_first(&list) == NULL && link_is_free(&links[3]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_map_knows_what_an_array_knows),
        cmocka_unit_test(a_list_keeps_its_order_and_lets_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
