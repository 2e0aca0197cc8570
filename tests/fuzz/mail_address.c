/* Any text as an address (T06 to T09): what is taken was written anew, reads back the same, and ends no path and no line. */

#include "base/bounds.h"

#include "mail/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Between the angle brackets of RCPT TO:<…>: outside quotes nothing that ends the path or begins a parameter. */
static void check_path(struct text path)
{
    bool quoted = false;
    for (size_t i = 0; i < path.length; i++) {
        char byte = path.bytes[i];
        if (quoted && byte == '\\')
            i++;
        else if (byte == '"')
            quoted = !quoted;
        else
            assert(quoted || !text_has(TEXT("<>()[],;: \t\\"), byte));
    }
    assert(!quoted);
}

static void check_domain(struct arena *arena, struct text domain)
{
    struct text again;
    assert(domain.length > 0 && domain.length <= BOUND_DOMAIN && text_is_ascii(domain) && !text_has_control(domain));
    assert(text_equal(domain, text_lower(arena, domain)) && text_has(domain, '.'));
    struct text shown = domain_shown(arena, domain);
    assert(text_is_utf8(shown) && !text_has_control(shown));
    assert(domain_parse(arena, domain, &again) == ADDRESS_GOOD && text_equal(again, domain));
}

static void check(struct arena *arena, const struct address *address)
{
    struct address again;
    assert(address->text.length <= BOUND_ADDRESS && address->local.length <= BOUND_LOCAL_PART);
    assert(text_is_utf8(address->text) && !text_has_control(address->text) && !text_has_control(address->key));
    assert(text_ends(address->text, text_join(arena, TEXT("@"), address->domain)));
    assert(address->ascii == text_is_ascii(address->text));
    check_path(address->text);
    check_domain(arena, address->domain);
    assert(address_parse(arena, address->text, &again) == ADDRESS_GOOD);
    assert(text_equal(again.text, address->text) && text_equal(again.local, address->local));
    assert(text_equal(again.domain, address->domain) && text_equal(again.key, address->key));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct text given = text_from((const char *)data, size), domain;
    struct address address;
    if (address_parse(arena, given, &address) == ADDRESS_GOOD)
        check(arena, &address);
    if (domain_parse(arena, given, &domain) == ADDRESS_GOOD)
        check_domain(arena, domain);
    arena_free(&arena);
    return 0;
}
