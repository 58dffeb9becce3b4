/* Fields of a span, in protobuf: `_wire/encode.py`, `_core/counts.py`. Included by kernels.c. */

static int varint_size(uint64_t number)
{
    int size = 1;
    while (number >>= 7)
        size++;
    return size;
}

static unsigned char *put_varint(unsigned char *at, uint64_t number)
{
    while (number >= 0x80) {
        *at++ = (unsigned char)(number | 0x80);
        number >>= 7;
    }
    *at++ = (unsigned char)number;
    return at;
}

static unsigned char *put_bytes(unsigned char *at, const void *from, Py_ssize_t size)
{
    memcpy(at, from, (size_t)size);
    return at + size;
}

/* More than all tags, lengths and fields of fixed size take together. */
enum { AROUND = 256 };

/* One Span.attributes field: the key's field and the tag of its value (*head*), and a text. */
static unsigned char *put_text_field(unsigned char *at, PyObject *head, const void *text, Py_ssize_t size)
{
    Py_ssize_t value = 1 + varint_size((uint64_t)size) + size;
    *at++ = 0x4a;
    at = put_varint(at, (uint64_t)(PyBytes_GET_SIZE(head) + varint_size((uint64_t)value) + value));
    at = put_bytes(at, PyBytes_AS_STRING(head), PyBytes_GET_SIZE(head));
    at = put_varint(at, (uint64_t)value);
    *at++ = 0x0a;
    at = put_varint(at, (uint64_t)size);
    memmove(at, text, (size_t)size);
    return at + size;
}

PyDoc_STRVAR(text_field_doc,
"text_field(head, utf8, /)\n--\n\n"
"One Span.attributes field with the text *utf8*; *head* is the key's field and the tag of the value.");

static PyObject *text_field(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 2 || !PyBytes_Check(args[0]) || !PyBytes_Check(args[1]))
        return PyErr_Format(PyExc_TypeError, "text_field takes two bytes objects");
    Py_ssize_t head = PyBytes_GET_SIZE(args[0]), size = PyBytes_GET_SIZE(args[1]);
    if (head > PY_SSIZE_T_MAX - AROUND - size)
        return PyErr_NoMemory();
    Py_ssize_t value = 1 + varint_size((uint64_t)size) + size;
    Py_ssize_t pair = head + varint_size((uint64_t)value) + value;
    PyObject *field = PyBytes_FromStringAndSize(NULL, 1 + varint_size((uint64_t)pair) + pair);
    if (field != NULL)
        put_text_field((unsigned char *)PyBytes_AS_STRING(field), args[0], PyBytes_AS_STRING(args[1]), size);
    return field;
}

static unsigned char *put_decimal(unsigned char *at, uint64_t number)
{
    unsigned char digits[20];
    int count = 0;
    do
        digits[count++] = (unsigned char)('0' + number % 10);
    while (number /= 10);
    while (count)
        *at++ = digits[--count];
    return at;
}

/* The size of a pair of a key, whose field with the tag of its value is *head* long, and the whole *number*. */
static Py_ssize_t count_size(Py_ssize_t head, uint64_t number) { return head + 2 + varint_size(number); }

enum { MOST_COUNTS = 32, LONGEST_NUMBER = 20 };

PyDoc_STRVAR(count_fields_doc,
"count_fields(heads, masks, details, labels, buckets, /)\n--\n\n"
"A Span.attributes field for each of *heads*, with the sum of the *buckets* in its mask; then, under *details* unless\n"
"that is empty, all of them as JSON, each behind its label, with their total.");

static PyObject *count_fields(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    uint64_t counts[MOST_COUNTS], sums[MOST_COUNTS], total = 0;
    if (count != 5 || !PyTuple_CheckExact(args[0]) || !PyTuple_CheckExact(args[1]) || !PyBytes_CheckExact(args[2])
        || !PyTuple_CheckExact(args[3]) || !PyDict_CheckExact(args[4]))
        return PyErr_Format(PyExc_TypeError, "count_fields takes two tuples, bytes, a tuple and a dict");
    PyObject *heads = args[0], *labels = args[3], *key, *item;
    Py_ssize_t fields = PyTuple_GET_SIZE(heads), several = PyDict_GET_SIZE(args[4]), at = 0, size = 0, i = 0;
    if (fields != PyTuple_GET_SIZE(args[1]) || several != PyTuple_GET_SIZE(labels) || fields > MOST_COUNTS
        || several > MOST_COUNTS)
        return PyErr_Format(PyExc_ValueError, "%zd counts of %zd buckets", fields, several);
    for (; i < several && PyDict_Next(args[4], &at, &key, &item); i++) {
        long long number_of;
        /* So that no sum of them is beyond an int64. */
        if (!number(item, 0, LLONG_MAX / MOST_COUNTS, &number_of))
            return NULL;
        total += counts[i] = (uint64_t)number_of;
    }
    for (i = 0; i < fields; i++) {
        PyObject *head = PyTuple_GET_ITEM(heads, i);
        long long mask;
        if (!PyBytes_CheckExact(head) || PyBytes_GET_SIZE(head) > UINT16_MAX)
            return PyErr_Format(PyExc_TypeError, "a head is a short bytes object");
        if (!number(PyTuple_GET_ITEM(args[1], i), 0, UINT32_MAX, &mask))
            return NULL;
        sums[i] = 0;
        for (Py_ssize_t each = 0; each < several; each++)
            if (mask >> each & 1)
                sums[i] += counts[each];
        Py_ssize_t pair = count_size(PyBytes_GET_SIZE(head), sums[i]);
        size += 1 + varint_size((uint64_t)pair) + pair;
    }
    /* Room for the most that the JSON can be; what is too much is given back. */
    Py_ssize_t json = PyBytes_GET_SIZE(args[2]) ? PyBytes_GET_SIZE(args[2]) + AROUND : 0;
    for (i = 0; json && i < several; i++) {
        PyObject *label = PyTuple_GET_ITEM(labels, i);
        if (!PyBytes_CheckExact(label) || PyBytes_GET_SIZE(label) > UINT16_MAX)
            return PyErr_Format(PyExc_TypeError, "a label is a short bytes object");
        json += PyBytes_GET_SIZE(label) + LONGEST_NUMBER + 1;
    }
    PyObject *made = PyBytes_FromStringAndSize(NULL, size + 2 * json);
    if (made == NULL)
        return NULL;
    unsigned char *begin = (unsigned char *)PyBytes_AS_STRING(made), *to = begin;
    for (i = 0; i < fields; i++) {
        PyObject *head = PyTuple_GET_ITEM(heads, i);
        *to++ = 0x4a;
        to = put_varint(to, (uint64_t)count_size(PyBytes_GET_SIZE(head), sums[i]));
        to = put_bytes(to, PyBytes_AS_STRING(head), PyBytes_GET_SIZE(head));
        *to++ = (unsigned char)(1 + varint_size(sums[i]));
        *to++ = 0x18;
        to = put_varint(to, sums[i]);
    }
    if (json) {
        /* Behind where it will stand: its length is in front of it. */
        unsigned char *text = begin + size + json, *end = text;
        *end++ = '{';
        for (i = 0; i < several; i++) {
            PyObject *label = PyTuple_GET_ITEM(labels, i);
            end = put_bytes(end, PyBytes_AS_STRING(label), PyBytes_GET_SIZE(label));
            end = put_decimal(end, counts[i]);
            *end++ = ',';
        }
        end = put_bytes(end, "\"total\":", 8);
        end = put_decimal(end, total);
        *end++ = '}';
        to = put_text_field(to, args[2], text, end - text);
    }
    if (_PyBytes_Resize(&made, to - begin) < 0)
        return NULL;
    return made;
}

/* Whether *given* is nanoseconds since the epoch; if not, an exception is set. */
static int moment(PyObject *given, uint64_t *nanoseconds)
{
    if (!PyLong_Check(given)) {
        PyErr_SetString(PyExc_TypeError, "a time is an int");
        return 0;
    }
    *nanoseconds = PyLong_AsUnsignedLongLong(given);
    return !(*nanoseconds == UINT64_MAX && PyErr_Occurred());
}

enum { TRACE_ID = 16, SPAN_ID = 8 };

PyDoc_STRVAR(join_span_doc,
"join_span(fields, trace_id, span_id, parent_span_id, name, kind, start, end, flags, /)\n--\n\n"
"One ScopeSpans.spans field from ready Span *fields*; NotImplemented for what is out of the ordinary.");

static PyObject *join_span(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 9)
        return PyErr_Format(PyExc_TypeError, "join_span takes 9 arguments (%zd given)", count);
    PyObject *fields = args[0], *trace = args[1], *span = args[2], *parent = args[3], *name = args[4];
    if (!PyList_CheckExact(fields) || !PyUnicode_CheckExact(name)
        || !PyBytes_CheckExact(trace) || PyBytes_GET_SIZE(trace) != TRACE_ID
        || !PyBytes_CheckExact(span) || PyBytes_GET_SIZE(span) != SPAN_ID
        || !PyBytes_CheckExact(parent)
        || (PyBytes_GET_SIZE(parent) != SPAN_ID && PyBytes_GET_SIZE(parent) != 0))
        return not_here();
    long long kind, flags;
    uint64_t start = 0, end = 0;
    Py_ssize_t name_size = 0;
    const char *name_utf8 = NULL;
    if (number(args[5], 0, 0x7f, &kind) && number(args[8], 0, 0x7fffffff, &flags) && moment(args[6], &start)
        && moment(args[7], &end))
        name_utf8 = PyUnicode_AsUTF8AndSize(name, &name_size);
    if (name_utf8 == NULL) {
        /* A time out of range, half of a surrogate pair. */
        PyErr_Clear();
        return not_here();
    }
    Py_ssize_t parent_size = PyBytes_GET_SIZE(parent);
    Py_ssize_t size = 2 + TRACE_ID + 2 + SPAN_ID + (parent_size ? 2 + SPAN_ID : 0) + 2 + 9 + 9 + 2 + 4;
    if (name_size > PY_SSIZE_T_MAX - AROUND)
        return not_here();
    size += 1 + varint_size((uint64_t)name_size) + name_size;
    /* 0x85 0x01 is the tag of the flags: two bytes, counted above. */
    Py_ssize_t parts = PyList_GET_SIZE(fields);
    for (Py_ssize_t i = 0; i < parts; i++) {
        PyObject *part = PyList_GET_ITEM(fields, i);
        if (!PyBytes_CheckExact(part) || PyBytes_GET_SIZE(part) > PY_SSIZE_T_MAX - AROUND - size)
            return not_here();
        size += PyBytes_GET_SIZE(part);
    }
    PyObject *record = PyBytes_FromStringAndSize(NULL, 1 + varint_size((uint64_t)size) + size);
    if (record == NULL)
        return NULL;
    unsigned char *at = (unsigned char *)PyBytes_AS_STRING(record);
    *at++ = 0x12;
    at = put_varint(at, (uint64_t)size);
    at = put_bytes(put_bytes(at, "\x0a\x10", 2), PyBytes_AS_STRING(trace), TRACE_ID);
    at = put_bytes(put_bytes(at, "\x12\x08", 2), PyBytes_AS_STRING(span), SPAN_ID);
    if (parent_size)
        at = put_bytes(put_bytes(at, "\x22\x08", 2), PyBytes_AS_STRING(parent), SPAN_ID);
    *at++ = 0x30;
    *at++ = (unsigned char)kind;
    *at++ = 0x39;
    put64(at, start);
    at += 8;
    *at++ = 0x41;
    put64(at, end);
    at += 8;
    at = put_bytes(at, "\x85\x01", 2);
    put32(at, (uint32_t)flags);
    at += 4;
    *at++ = 0x2a;
    at = put_varint(at, (uint64_t)name_size);
    at = put_bytes(at, name_utf8, name_size);
    for (Py_ssize_t i = 0; i < parts; i++) {
        PyObject *part = PyList_GET_ITEM(fields, i);
        at = put_bytes(at, PyBytes_AS_STRING(part), PyBytes_GET_SIZE(part));
    }
    return record;
}
