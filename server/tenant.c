#include "server/tenant.h"

#include "server/request.h"
#include "server_statements.h"

static bool may(struct request *request)
{
    const struct route *route = request->route;
    if (route->who == WHO_OPERATOR && !request->caller.is_operator) {
        request_refuse(request, PROBLEM_FORBIDDEN_SCOPE, "Only an operator's key may do this.");
        return false;
    }
    if (route->scope != NULL && !(request->caller.scopes & scope_bit(text_of(route->scope)))) {
        request_refuse(request, PROBLEM_FORBIDDEN_SCOPE, "The key lacks the scope %s.", route->scope);
        return false;
    }
    return true;
}

static bool exists(struct request *request, struct uuid customer)
{
    struct transaction *transaction = request_reading_of(request, customer);
    size_t asked = customer_exists_ask(transaction, &(struct customer_exists){ .customer = customer });
    if (!request_read(request))
        return false;
    if (customer_exists_count(transaction, asked) == 1)
        return true;
    request_not_found(request);
    return false;
}

static bool find_named(struct request *request, struct text name)
{
    struct uuid customer;
    if (id_parse(name, ID_CUSTOMER, &customer) != ID_GOOD) {
        request_refuse(request, PROBLEM_MALFORMED, "Evenpost-Customer must be an id: cus_ and 26 characters.");
        return false;
    }
    if (!request->caller.is_operator) {
        if (uuid_equal(customer, request->caller.customer))
            return true;
        request_not_found(request);
        return false;
    }
    if (!exists(request, customer))
        return false;
    request->customer = customer;
    return true;
}

bool tenant_find(struct request *request)
{
    if (!may(request))
        return false;
    request->customer = request->caller.customer;
    if (request->route->who == WHO_OPERATOR)
        return true;
    bool twice;
    struct text name = exchange_header(request->exchange, "Evenpost-Customer", &twice);
    if (twice) {
        request_refuse(request, PROBLEM_MALFORMED, "Evenpost-Customer stands there twice.");
        return false;
    }
    if (!text_is_none(name))
        return find_named(request, name);
    if (request->caller.is_operator && request->route->who == WHO_CUSTOMER && route_writes(request->route)) {
        request_refuse(request, PROBLEM_CUSTOMER_REQUIRED, "Name the customer with the header Evenpost-Customer.");
        return false;
    }
    return true;
}
