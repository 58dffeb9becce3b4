/* What an answer says that it used, where it is nothing out of the ordinary: `_core/openai_usage.py`. Included by
 * kernels.c. Nothing is allocated while it is read, so nothing else runs. */

/* Whether *item* is a count up to *most*, which *value* becomes. Never an exception. */
static int is_count(PyObject *item, long long most, long long *value)
{
    int overflow = 0;
    if (!PyLong_CheckExact(item))
        return 0;
    *value = PyLong_AsLongLongAndOverflow(item, &overflow);
    return !overflow && *value >= 0 && *value <= most;
}

/* Of one side: the *whole*, and the *part* that its details name. 1; 0 where there is more to it; -1 with an exception. */
static int read_side(PyObject *given, PyObject *names, PyObject *beside, long long most, long long *whole, long long *part)
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

static int are_names(PyObject *names)
{
    if (!PyTuple_CheckExact(names) || PyTuple_GET_SIZE(names) != 3)
        return 0;
    for (int i = 0; i < 3; i++)
        if (!PyUnicode_CheckExact(PyTuple_GET_ITEM(names, i)))
            return 0;
    return 1;
}

PyDoc_STRVAR(ordinary_doc,
"ordinary(given, inputs, outputs, total, known, beside, most, /)\n--\n\n"
"(input and its part, output and its part) of a usage with *known* fields alone, whose total is the sum; else None.");

static PyObject *ordinary(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 7 || !are_names(args[1]) || !are_names(args[2]) || !PyUnicode_CheckExact(args[3])
        || !PyFrozenSet_CheckExact(args[4]) || !PyFrozenSet_CheckExact(args[5]))
        return PyErr_Format(PyExc_TypeError, "ordinary takes a value, names, two frozensets and the highest count");
    PyObject *given = args[0], *key, *item;
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
    int fits = read_side(given, args[1], args[5], most, &input, &cached);
    if (fits == 1)
        fits = read_side(given, args[2], args[5], most, &output, &reasoning);
    if (fits == 1) {
        item = PyDict_GetItemWithError(given, args[3]);
        fits = item != NULL && is_count(item, 2 * most, &total) && total == input + output;
    }
    if (PyErr_Occurred())
        return NULL;
    if (!fits)
        Py_RETURN_NONE;
    return Py_BuildValue("LLLL", input - cached, cached, output - reasoning, reasoning);
}
