-- An operator's lists run across customers, newest first, and an operator looks a thing up by its id alone: neither names
-- a customer, so the primary keys do not serve them.

create index messages_by_id on messages (message_id);
create index mailboxes_by_id on mailboxes (mailbox_id);
create index events_by_id on events (event_id);
