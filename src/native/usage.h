/* What an answer says that it used, where it is nothing out of the ordinary (`_core/openai_usage.py`), and what that
 * costs (`_prices/charges.py`). Included by kernels.c. Nothing is allocated while a mapping is read, so nothing else
 * runs; numbers are allocated without running anything that could change it. */

/* Whether *item* is a count up to *most*, which *value* becomes. Never an exception. */
static int is_count(PyObject *item, long long most, long long *value)
{
    int overflow = 0;
    if (!PyLong_CheckExact(item))
        return 0;
    *value = PyLong_AsLongLongAndOverflow(item, &overflow);
    return !overflow && *value >= 0 && *value <= most;
}

/* Of one side: the *whole*, and the *part* that its details name. 1; 0 where there is more to it; -1: an exception. */
static int read_side(PyObject *given, PyObject *names, PyObject *beside, long long most, long long *whole,
                     long long *part)
{
    PyObject *item = PyDict_GetItemWithError(given, PyTuple_GET_ITEM(names, 0)), *key;
    if (item == NULL || !is_count(item, most, whole))
        return PyErr_Occurred() ? -1 : 0;
    *part = 0;
    PyObject *details = PyDict_GetItemWithError(given, PyTuple_GET_ITEM(names, 1));
    if (details == NULL || details == Py_None)
        return PyErr_Occurred() ? -1 : 1;
    if (!PyDict_CheckExact(details))
        return 0;
    Py_ssize_t at = 0;
    while (PyDict_Next(details, &at, &key, &item)) {
        long long told = 0;
        if (!PyUnicode_CheckExact(key))
            return 0;
        if (item == Py_None)
            continue;
        if (!is_count(item, most, &told))
            return 0;
        if (PyUnicode_Compare(key, PyTuple_GET_ITEM(names, 2)) == 0)
            *part = told;
        else if (told) {
            int known = PySet_Contains(beside, key);
            if (known <= 0)
                return known;
        }
    }
    return *part <= *whole;
}

static int are_names(PyObject *names, Py_ssize_t count)
{
    if (!PyTuple_CheckExact(names) || PyTuple_GET_SIZE(names) != count)
        return 0;
    for (Py_ssize_t i = 0; i < count; i++)
        if (!PyUnicode_CheckExact(PyTuple_GET_ITEM(names, i)))
            return 0;
    return 1;
}

static int add_count(PyObject *buckets, PyObject *name, long long count_of)
{
    PyObject *made = PyLong_FromLongLong(count_of);
    int failed = made == NULL || PyDict_SetItem(buckets, name, made) < 0;
    Py_XDECREF(made);
    return failed;
}

PyDoc_STRVAR(ordinary_doc,
"ordinary(inputs, outputs, buckets, total, known, beside, most, given, /)\n--\n\n"
"{bucket: count} of a usage with *known* fields alone, whose total is the sum; else None. *buckets* names four: input\n"
"without its part, this part, and the same of the output; parts that are none are left out.");

static PyObject *ordinary(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 8 || !are_names(args[0], 3) || !are_names(args[1], 3) || !are_names(args[2], 4)
        || !PyUnicode_CheckExact(args[3]) || !PyFrozenSet_CheckExact(args[4]) || !PyFrozenSet_CheckExact(args[5]))
        return PyErr_Format(PyExc_TypeError, "ordinary takes names, two frozensets, the highest count and a value");
    PyObject *buckets = args[2], *given = args[7], *key, *item;
    long long most, input, cached, output, reasoning, total;
    if (!number(args[6], 0, LLONG_MAX / 4, &most))
        return NULL;
    if (!PyDict_CheckExact(given))
        Py_RETURN_NONE;
    Py_ssize_t at = 0;
    while (PyDict_Next(given, &at, &key, &item)) {
        int known = PyUnicode_CheckExact(key) ? PySet_Contains(args[4], key) : 0;
        if (known < 0)
            return NULL;
        if (!known)
            Py_RETURN_NONE;
    }
    int fits = read_side(given, args[0], args[5], most, &input, &cached);
    if (fits == 1)
        fits = read_side(given, args[1], args[5], most, &output, &reasoning);
    if (fits == 1) {
        item = PyDict_GetItemWithError(given, args[3]);
        fits = item != NULL && is_count(item, 2 * most, &total) && total == input + output;
    }
    if (PyErr_Occurred())
        return NULL;
    if (!fits)
        Py_RETURN_NONE;
    PyObject *made = PyDict_New();
    if (made != NULL
        && (add_count(made, PyTuple_GET_ITEM(buckets, 0), input - cached)
            || add_count(made, PyTuple_GET_ITEM(buckets, 2), output - reasoning)
            || (cached && add_count(made, PyTuple_GET_ITEM(buckets, 1), cached))
            || (reasoning && add_count(made, PyTuple_GET_ITEM(buckets, 3), reasoning))))
        Py_CLEAR(made);
    return made;
}

/* Up to here a double holds every whole number. */
#define EXACT (1LL << 53)
#define PICO 1000000000000LL

enum { MOST_BUCKETS = 32, DECIMALS = 12, LONGEST_AMOUNT = 32, MOST_JSON = 2048, MOST_COST = 4096 };

/* So many pico-dollars in dollars, with all digits and no more: twin of `_prices.money.decimal`. */
static unsigned char *put_dollars(unsigned char *at, long long pico)
{
    long long rest = pico % PICO;
    int digits = DECIMALS;
    at = put_decimal(at, (uint64_t)(pico / PICO));
    *at++ = '.';
    for (; digits > 1 && rest % 10 == 0; digits--)
        rest /= 10;
    for (int i = digits; i--; rest /= 10)
        at[i] = (unsigned char)('0' + rest % 10);
    return at + digits;
}

/* How much each bucket costs; their sum. -1: not a product that is exact, or of no count; never an exception. */
static long long multiply(PyObject *prices, PyObject *buckets, long long *amounts)
{
    long long total = 0, count_of, price;
    PyObject *key, *item;
    Py_ssize_t at = 0, several = PyTuple_GET_SIZE(prices);
    for (Py_ssize_t i = 0; i < several && PyDict_Next(buckets, &at, &key, &item); i++) {
        if (!is_count(item, EXACT, &count_of) || !is_count(PyTuple_GET_ITEM(prices, i), EXACT, &price)
            || (price && count_of > (EXACT - total) / price))
            return -1;
        amounts[i] = count_of * price;
        total += amounts[i];
    }
    return total;
}

/* The *amounts* as a JSON object by *labels*, (label, which are summed); NULL where it is too long, or an exception. */
static unsigned char *put_amounts(unsigned char *at, PyObject *labels, const long long *amounts, Py_ssize_t several)
{
    const unsigned char *limit = at + MOST_JSON;
    *at++ = '{';
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(labels); i++) {
        PyObject *each = PyTuple_GET_ITEM(labels, i);
        long long mask, sum = 0;
        if (!PyTuple_CheckExact(each) || PyTuple_GET_SIZE(each) != 2 || !PyBytes_CheckExact(PyTuple_GET_ITEM(each, 0))
            || !number(PyTuple_GET_ITEM(each, 1), 0, UINT32_MAX, &mask)) {
            if (!PyErr_Occurred())
                PyErr_SetString(PyExc_TypeError, "a label is bytes and a mask");
            return NULL;
        }
        PyObject *label = PyTuple_GET_ITEM(each, 0);
        if (PyBytes_GET_SIZE(label) > limit - at - LONGEST_AMOUNT)
            return NULL;
        at = put_bytes(at, PyBytes_AS_STRING(label), PyBytes_GET_SIZE(label));
        for (Py_ssize_t of = 0; of < several; of++)
            if (mask >> of & 1)
                sum += amounts[of];
        at = put_dollars(at, sum);
        *at++ = ',';
    }
    at[-1] = '}';
    return at;
}

PyDoc_STRVAR(costs_doc,
"costs(totals, texts, tail, prices, buckets, /)\n--\n\n"
"Span.attributes fields of the cost of *buckets* at so many pico-dollars each: behind each of *totals* the sum, under\n"
"the keys of *texts* amounts by label, then *tail*. None where a product is beyond 2**53, or it is too long.");

static PyObject *costs(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 5 || !PyTuple_CheckExact(args[0]) || !PyTuple_CheckExact(args[1]) || !PyBytes_CheckExact(args[2])
        || !PyTuple_CheckExact(args[3]) || !PyDict_CheckExact(args[4])
        || PyTuple_GET_SIZE(args[3]) != PyDict_GET_SIZE(args[4]) || PyTuple_GET_SIZE(args[3]) > MOST_BUCKETS)
        return PyErr_Format(PyExc_TypeError, "costs takes two tuples, bytes, prices, and as many buckets");
    PyObject *tail = args[2];
    Py_ssize_t several = PyTuple_GET_SIZE(args[3]);
    long long amounts[MOST_BUCKETS], total = multiply(args[3], args[4], amounts);
    unsigned char fields[MOST_COST], json[MOST_JSON], *to = fields, *end;
    if (total < 0)
        Py_RETURN_NONE;
    double dollars = (double)total / (double)PICO;
    uint64_t bits;
    memcpy(&bits, &dollars, sizeof bits);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args[0]); i++) {
        PyObject *head = PyTuple_GET_ITEM(args[0], i);
        if (!PyBytes_CheckExact(head))
            return PyErr_Format(PyExc_TypeError, "what stands before a total is bytes");
        if (PyBytes_GET_SIZE(head) > fields + MOST_COST - to - (Py_ssize_t)sizeof bits)
            Py_RETURN_NONE;
        to = put_bytes(to, PyBytes_AS_STRING(head), PyBytes_GET_SIZE(head));
        put64(to, bits);
        to += sizeof bits;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args[1]); i++) {
        PyObject *text = PyTuple_GET_ITEM(args[1], i);
        if (!PyTuple_CheckExact(text) || PyTuple_GET_SIZE(text) != 2 || !PyBytes_CheckExact(PyTuple_GET_ITEM(text, 0))
            || !PyTuple_CheckExact(PyTuple_GET_ITEM(text, 1)) || !PyTuple_GET_SIZE(PyTuple_GET_ITEM(text, 1)))
            return PyErr_Format(PyExc_TypeError, "a text is bytes and labels");
        PyObject *head = PyTuple_GET_ITEM(text, 0);
        end = put_amounts(json, PyTuple_GET_ITEM(text, 1), amounts, several);
        if (end == NULL && PyErr_Occurred())
            return NULL;
        if (end == NULL || PyBytes_GET_SIZE(head) > fields + MOST_COST - to - AROUND - (end - json))
            Py_RETURN_NONE;
        to = put_text_field(to, head, json, end - json);
    }
    if (PyBytes_GET_SIZE(tail) > fields + MOST_COST - to)
        Py_RETURN_NONE;
    to = put_bytes(to, PyBytes_AS_STRING(tail), PyBytes_GET_SIZE(tail));
    return PyBytes_FromStringAndSize((const char *)fields, to - fields);
}
