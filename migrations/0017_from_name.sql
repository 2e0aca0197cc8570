-- The name that a message is sent under is the message's own, as its text is: every attempt composes the same octets, also
-- when the mailbox is renamed between two.

alter table messages add column from_name text not null default '';

-- The owner, too, is shown nothing by forced row-level security.
alter table messages no force row level security;
alter table mailboxes no force row level security;
update messages
set from_name = mailboxes.display_name
from mailboxes
where mailboxes.customer_id = messages.customer_id and mailboxes.mailbox_id = messages.mailbox_id;
alter table messages force row level security;
alter table mailboxes force row level security;
