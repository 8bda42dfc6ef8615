import pytest

from accounts.branding.greetings import greeting_name


@pytest.mark.parametrize(
    "name",
    [
        "Mina Karimi",
        "O’Brien",
        "O'Brien",
        "Jean-Luc Picard",
        "J.R.R. Tolkien",
        "Martin Luther King Jr.",
        "José María Fernández de la Vega y Álvarez",
        "مینا کریمی",
        "علی\N{ZERO WIDTH NON-JOINER}رضا",
        "मीना",
        "李小龍",
        "Nguyễn Thị Minh Khai",
        "X",
    ],
)
def test_a_name_greets(name):
    assert greeting_name(full_name=name, username="mina") == name


def test_white_space_is_that_between_words():
    assert greeting_name(full_name="  Mina \t Karimi\n", username="mina") == "Mina Karimi"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "https://evil.example",
        "evil.example",
        "Win at evil.co now",
        "www.evil",
        "mina@evil",
        "evil/now",
        "Call +44 20 7946 0000",
        "Call ٠٢٠٧٩٤٦",
        "Mina\N{RIGHT-TO-LEFT OVERRIDE}live",
        "Mina\N{FIRST STRONG ISOLATE}",
        "Mina\N{ZERO WIDTH SPACE}Karimi",
        "Mina\0",
        "<b>Mina</b>",
        "Mina, your account is closed: write to us",
        "{{ link }}",
        "%(link)s",
        "evil\N{ONE DOT LEADER}com",
        "evil\N{FULLWIDTH FULL STOP}com",
        "evil\N{IDEOGRAPHIC FULL STOP}com",
        "x" * 61,
        "one two three four five six seven eight nine",
        "-Mina",
        "😀",
    ],
)
def test_what_could_be_a_message_of_its_own_gives_way_to_the_username(name):
    assert greeting_name(full_name=name, username="mina") == "mina"
