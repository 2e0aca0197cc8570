-- suppression_delete: the customer takes it back.
-- takes: customer uuid, suppression uuid
-- gives: address_key text
-- costs: one key look-up
delete from suppressions
where suppressions.customer_id = $1 and suppressions.suppression_id = $2
returning suppressions.address_key
