-- A mailbox's place on an IP is unique, and no key that anything refers to: without a predicate the index made each move of
-- a mailbox wait for, and be waited for by, every message that was just being accepted in it.

drop index mailboxes_ordinal;
create unique index mailboxes_ordinal on mailboxes (customer_id, ip_id, ordinal) where ordinal is not null;
