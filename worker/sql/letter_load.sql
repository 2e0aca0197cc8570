-- letter_load: a booked message as it is composed (mail/letter.h). No row: it is not booked any more.
-- takes: customer uuid, message uuid, local_day date, number smallint
-- gives: from_address text, from_name text, to_address text, to_name text, reply_to text?, subject text, text_body text?, html_body text?, message_id text, dated_at timestamptz, in_reply_to text?, references_ids text[], header_names text[], header_values text[], file_names text[], file_types text[], file_base64 text[], attempts integer, first_attempt_at timestamptz?, sendable boolean, time_zone text, window_days smallint, window_start_min smallint, window_end_min smallint, other_at timestamptz?
-- costs: key look-ups, and one a message of its thread
select mailboxes.address, messages.from_name, messages.to_address, messages.to_name, messages.reply_to,
       messages.subject, messages.text_body, messages.html_body, messages.header_message_id,
       coalesce(messages.dated_at, messages.created_at),
       (select parent.header_message_id
        from messages as parent
        where parent.customer_id = $1 and parent.message_id = messages.in_reply_to),
       array(select earlier.header_message_id
             from messages as earlier
             where earlier.customer_id = $1 and earlier.thread_id = messages.thread_id
               and earlier.message_id < messages.in_reply_to
             order by earlier.message_id
             limit 20),
       array(select key from jsonb_each_text(messages.headers) order by key),
       array(select value from jsonb_each_text(messages.headers) order by key),
       array(select file ->> 'filename' from jsonb_array_elements(messages.attachments) with ordinality as f (file, n) order by n),
       array(select file ->> 'content_type' from jsonb_array_elements(messages.attachments) with ordinality as f (file, n) order by n),
       array(select file ->> 'content_base64' from jsonb_array_elements(messages.attachments) with ordinality as f (file, n) order by n),
       messages.attempt_count, messages.first_attempt_at,
       mailboxes.state = 'active' and $4 < mailboxes.daily_cap
           and not exists (select from suppressions
                           where suppressions.customer_id = $1
                             and suppressions.address_key in (messages.recipient_key, messages.domain_key)),
       mailboxes.time_zone, mailboxes.window_days, mailboxes.window_start_min, mailboxes.window_end_min,
       (select slots.at
        from slots
        where slots.customer_id = $1 and slots.mailbox_id = messages.mailbox_id and slots.local_day = $3
          and slots.number <> $4
        limit 1)
from messages
join mailboxes on mailboxes.customer_id = messages.customer_id and mailboxes.mailbox_id = messages.mailbox_id
where messages.customer_id = $1 and mailboxes.customer_id = $1 and messages.message_id = $2 and messages.state = 'booked'
