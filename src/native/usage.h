/* What an answer says that it used, where it is nothing out of the ordinary (`_core/openai_usage.py`), and what that
 * costs (`_prices/pricer.py`). Included by kernels.c. Nothing is allocated while a mapping is read, so nothing else
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

PyDoc_STRVAR(costs_doc,
"costs(buckets, prices, per, /)\n--\n\n"
"{bucket: count * price / per} of each of *buckets*, with their \"total\"; None where a product is beyond 2**53.");

static PyObject *costs(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    long long per, number_of, price, total = 0;
    if (count != 3 || !PyDict_CheckExact(args[0]) || !PyTuple_CheckExact(args[1])
        || PyTuple_GET_SIZE(args[1]) != PyDict_GET_SIZE(args[0]))
        return PyErr_Format(PyExc_TypeError, "costs takes a dict, as many prices, and a number");
    if (!number(args[2], 1, EXACT, &per))
        return NULL;
    PyObject *made = PyDict_New(), *key, *item, *cost;
    Py_ssize_t at = 0;
    Py_ssize_t several = PyTuple_GET_SIZE(args[1]);
    for (Py_ssize_t i = 0; made != NULL && i < several && PyDict_Next(args[0], &at, &key, &item); i++) {
        if (!PyUnicode_CheckExact(key) || !is_count(item, EXACT, &number_of)
            || !is_count(PyTuple_GET_ITEM(args[1], i), EXACT, &price)
            || (price && number_of > (EXACT - total) / price)) {
            Py_DECREF(made);
            Py_RETURN_NONE;
        }
        total += number_of * price;
        cost = PyFloat_FromDouble((double)(number_of * price) / (double)per);
        if (cost == NULL || PyDict_SetItem(made, key, cost) < 0)
            Py_CLEAR(made);
        Py_XDECREF(cost);
    }
    if (made == NULL)
        return NULL;
    cost = PyFloat_FromDouble((double)total / (double)per);
    if (cost == NULL || PyDict_SetItemString(made, "total", cost) < 0)
        Py_CLEAR(made);
    Py_XDECREF(cost);
    return made;
}

PyDoc_STRVAR(sums_doc,
"sums(amounts, plan, /)\n--\n\n"
"{label: the sum of the amounts under its names} of a *plan* of (label, names); None where one is no float.");

static PyObject *sums(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 2 || !PyDict_CheckExact(args[0]) || !PyTuple_CheckExact(args[1]))
        return PyErr_Format(PyExc_TypeError, "sums takes a dict and a tuple");
    PyObject *made = PyDict_New();
    for (Py_ssize_t i = 0; made != NULL && i < PyTuple_GET_SIZE(args[1]); i++) {
        PyObject *each = PyTuple_GET_ITEM(args[1], i);
        if (!PyTuple_CheckExact(each) || PyTuple_GET_SIZE(each) != 2
            || !PyTuple_CheckExact(PyTuple_GET_ITEM(each, 1))) {
            PyErr_SetString(PyExc_TypeError, "a plan is of pairs of a label and names");
            Py_CLEAR(made);
            break;
        }
        PyObject *label = PyTuple_GET_ITEM(each, 0), *several = PyTuple_GET_ITEM(each, 1);
        double sum = 0.0;
        for (Py_ssize_t of = 0; of < PyTuple_GET_SIZE(several); of++) {
            PyObject *name = PyTuple_GET_ITEM(several, of);
            PyObject *amount = PyUnicode_CheckExact(name) ? PyDict_GetItemWithError(args[0], name) : NULL;
            if (amount == NULL || !PyFloat_CheckExact(amount)) {
                Py_DECREF(made);
                if (PyErr_Occurred())
                    return NULL;
                Py_RETURN_NONE;
            }
            sum += PyFloat_AS_DOUBLE(amount);
        }
        PyObject *held = PyFloat_FromDouble(sum);
        if (held == NULL || !PyUnicode_CheckExact(label) || PyDict_SetItem(made, label, held) < 0)
            Py_CLEAR(made);
        Py_XDECREF(held);
        if (made == NULL && !PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "a label is a text");
    }
    return made;
}
