"""The list-like answer."""

from trackway._store.page import Page


def test_a_page_is_used_as_a_list() -> None:
    """Length, indexes, slices, iteration and comparison are a list's."""
    page = Page([1, 2, 3])
    assert len(page) == 3
    assert page[0] == 1
    assert page[-1] == 3
    assert page[1:] == [2, 3]
    assert list(page) == [1, 2, 3]
    assert page == [1, 2, 3]
    assert page == Page((1, 2, 3))
    assert page != "123"
    assert 2 in page
    assert repr(page) == "<Page of 3>"


def test_a_page_leads_to_the_next() -> None:
    """What follows is asked for when it is wanted, and the last page says that nothing does."""
    page = Page([1], lambda: Page([2]))
    assert page.has_more
    assert repr(page) == "<Page of 1, and more>"
    assert page.next() == [2]
    assert not page.next().has_more
    assert page.next().next() == []
