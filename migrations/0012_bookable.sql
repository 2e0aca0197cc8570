-- Which mailboxes of a customer may be booked and are not laid far enough: one probe, however many are paused or closed.
create index mailboxes_bookable on mailboxes (customer_id, (coalesce(laid_until, date '0001-01-01')))
    where state = 'active' and ip_id is not null;
