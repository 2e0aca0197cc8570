/* A letter of any octets (T01, T05 to T11): what is composed is canonical, and every field of its head is one of ours. */

#include "mail/letter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next part of the input: up to 255 octets, its length first. */
static struct text next_part(struct text *rest)
{
    if (rest->length == 0)
        return TEXT("");
    size_t length = (unsigned char)rest->bytes[0];
    struct text part = text_slice(*rest, 1, length);
    *rest = text_after(*rest, 1 + length);
    return part;
}

/* A line of the head is a field that we wrote, or goes on with a blank. */
static void check_head(struct text octets, struct text field)
{
    static const char *const ours[] = { "Date:",
                                        "From:",
                                        "Reply-To:",
                                        "To:",
                                        "Subject:",
                                        "Message-ID:",
                                        "In-Reply-To:",
                                        "References:",
                                        "MIME-Version:",
                                        "Content-Type:",
                                        "Content-Transfer-Encoding:" };
    struct text rest = text_slice(octets, 0, text_find_text(octets, TEXT("\r\n\r\n"))), line = TEXT_NONE;
    while (text_cut(&rest, '\n', &line)) {
        bool known = text_starts(line, TEXT(" ")) || text_starts(line, TEXT("\t")) || text_starts(line, field);
        for (size_t i = 0; i < COUNT(ours); i++)
            known |= text_starts(line, text_of(ours[i]));
        assert(known);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct text rest = text_from((const char *)data, size);
    struct text field = next_part(&rest), value = next_part(&rest), file = next_part(&rest), base64 = TEXT("YQ==");
    static const struct text type = { "text/plain", 10 };
    struct letter letter = {
        .from_address = TEXT("ann@sender.example"),
        .from_name = next_part(&rest),
        .to_address = next_part(&rest),
        .to_name = next_part(&rest),
        .reply_to = TEXT_NONE,
        .subject = next_part(&rest),
        .message_id = TEXT("msg_1@sender.example"),
        .header_names = &field,
        .header_values = &value,
        .header_count = field.length > 0,
        .file_names = &file,
        .file_types = &type,
        .file_base64 = &base64,
        .file_count = file.length > 0,
        .text = rest,
        .html = rest.length % 2 == 0 ? TEXT_NONE : rest,
    };
    struct letter_made made;
    struct address address;
    if (address_parse(arena, letter.to_address, &address) != ADDRESS_GOOD)
        letter.to_address = TEXT("bo@receiver.example");
    if (letter_compose(arena, &letter, &made)) {
        assert(content_is_canonical(made.content.octets, made.content.international));
        check_head(made.content.octets, field.length > 0 ? field : TEXT("To:"));
    }
    arena_free(&arena);
    return 0;
}
