"""What the owner's page says, in European Portuguese and in English: the same sentences, under the same names."""

import datetime as dt
from collections.abc import Iterable
from typing import NamedTuple

import holidays
from babel import Locale
from babel.dates import format_date
from babel.lists import format_list

from footfall.calendar import HOLIDAY_CATEGORIES, holiday_names

LUSOPHONE = {"PT", "BR", "AO", "MZ", "CV"}

ENGLISH = {
    "title": "How busy will the coming days be?",
    "switch": "Language",
    "made": "Forecast of {made}, from figures up to {through}.",
    "past": "These days are over. The page was made on {made} and has not been renewed since.",
    "still": "The figures stand still: nothing after {through} has been published. "
    "This forecast reaches further ahead than it should, and is less sure.",
    "mostly usual": "Near usual.",
    "all alike": "Every day {word}.",
    "rest usual": "The other days: about as busy as usual.",
    "together": "All days together: {number} against usual.",
    "far busier": "far busier than usual",
    "clearly busier": "clearly busier than usual",
    "a little busier": "a little busier than usual",
    "perhaps a little busier": "perhaps a little busier than usual",
    "usual": "about as busy as usual",
    "perhaps a little quieter": "perhaps a little quieter than usual",
    "hard to tell": "near usual, but hard to tell",
    "a little quieter": "a little quieter than usual",
    "clearly quieter": "clearly quieter than usual",
    "far quieter": "far quieter than usual",
    "days": "Day by day",
    "key": "Numbers are {measure} against a usual day of the same weekday: the line in the middle, with the grey "
    "around it for what usual days do anyway. The dot is what we expect; the bar holds four days out of five.",
    "against": "against a usual {weekday}; most likely between {low} and {high}.",
    "between": "Most likely between {low} and {high}.",
    "chance busier": "Busier than usual: {chance}.",
    "chance quieter": "Quieter than usual: {chance}.",
    "chance usual": "Close to usual: {chance}.",
    "of ten": "{n} chances in 10",
    "over nine": "over 9 chances in 10",
    "under one": "under 1 chance in 10",
    "holiday": "public holiday, {name}",
    "festival": "{name}",
    "weekend holiday": "public holiday, {name}",
    "eve": "the day before a holiday, {name}",
    "bridge": "between a holiday ({name}) and the weekend",
    "Easter": "Easter Sunday",
    "before Christmas": "the days before Christmas",
    "24 December": "Christmas Eve",
    "25 December": "Christmas Day",
    "26 December": "the day after Christmas",
    "between the years": "between Christmas and New Year",
    "31 December": "New Year’s Eve",
    "1 January": "New Year’s Day",
    "2 January": "the day after New Year",
    "trend up": "the last days were already busier",
    "trend down": "the last days were already quieter",
    "turn up": "at this time last year it grew busier, too",
    "turn down": "at this time last year it grew quieter, too",
    "learned up": "weeks like this one went on busier elsewhere",
    "learned down": "weeks like this one went on quieter elsewhere",
    "nothing": "nothing out of the ordinary",
    "why": "Why:",
    "sure": "How sure is this?",
    "ranges": "Each range is made so that four days out of five end inside it, and one outside.",
    "held": "Of what we said about the {days} days up to {until}, {share} did end inside.",
    "direction": "When we said busier or quieter than usual, we were right {share} of the time.",
    "figure": "The past four weeks and the coming days",
    "figure alt": "From {first} to {last}: {measure} per day, in per cent against early 2020, between {lowest} and "
    "{highest}; the coming days are expected between {low} and {high}.",
    "published": "published",
    "expected": "expected; {held} days out of ten end in the shades",
    "held 5": "five",
    "held 8": "eight",
    "held 9": "nine",
    "a usual day": "a usual day",
    "gap": "not published yet",
    "figure unit": "{measure} in % against early 2020",
    "numbers": "The numbers",
    "day": "Day",
    "to usual": "against usual",
    "to baseline": "against early 2020",
    "range": "most likely",
    "to": "to",
    "from to": "{first} to {last}",
    "take": "To take along",
    "calendar": "The days as a calendar",
    "calendar file": "week.ics",
    "calendar why": "subscribe to its address, and it renews itself every day",
    "table": "The full table",
    "table why": "every day with all its ranges, in per cent against early 2020, for a spreadsheet",
    "means": "What it means, and what not",
    "means usual": "“Usual” is the middle of the last six ordinary days of the same weekday, holidays left out: "
    "this place, at this time of the year. Two of three ordinary days come within {spread} of it. “A little” begins "
    "half as far, “clearly” twice and “far” four times as far; “perhaps” says that the range holds a usual day, too.",
    "means visits": "All figures are of {what} in {place} as a whole: {measure}, in per cent against early 2020 (the "
    "median of the same weekday between 3 January and 6 February). They are not your tills: your street, your guests "
    "and your offer make days of their own. Of the weather we know nothing.",
    "visits": "visits",
    "hours": "time spent there",
    "source": "Source",
    "accessed": "Accessed",
    "by": "Model {model}, data {data}.",
    "retail_and_recreation": "restaurants, cafés, shops and places to go out",
    "grocery_and_pharmacy": "groceries and pharmacies",
    "parks": "parks and beaches",
    "transit_stations": "stations and stops",
    "workplaces": "workplaces",
    "residential": "homes",
    "calendar name": "How busy: {place}",
    "event": "{word} ({number})",
}
PORTUGUESE = {
    "title": "Quanto movimento haverá nos próximos dias?",
    "switch": "Língua",
    "made": "Previsão de {made}, com dados até {through}.",
    "past": "Estes dias já passaram. A página foi feita em {made} e não foi renovada desde então.",
    "still": "Os dados estão parados: não foi publicado nada depois de {through}. "
    "Esta previsão olha mais longe do que devia e é menos segura.",
    "mostly usual": "Perto do habitual.",
    "all alike": "Todos os dias: {word}.",
    "rest usual": "Nos outros dias: movimento habitual.",
    "together": "Todos os dias juntos: {number} face ao habitual.",
    "far busier": "muito mais movimento do que o habitual",
    "clearly busier": "claramente mais movimento do que o habitual",
    "a little busier": "um pouco mais de movimento do que o habitual",
    "perhaps a little busier": "talvez um pouco mais de movimento do que o habitual",
    "usual": "movimento habitual",
    "perhaps a little quieter": "talvez um pouco menos de movimento do que o habitual",
    "hard to tell": "perto do habitual, mas difícil de prever",
    "a little quieter": "um pouco menos de movimento do que o habitual",
    "clearly quieter": "claramente menos movimento do que o habitual",
    "far quieter": "muito menos movimento do que o habitual",
    "days": "Dia a dia",
    "key": "Os valores são {measure} face a um dia habitual do mesmo dia da semana: a linha ao meio, com o cinzento à "
    "volta para o que os dias habituais variam. O ponto é o que esperamos; a barra abrange quatro em cada cinco dias.",
    "against": "face a {weekday} habitual; o mais provável é ficar entre {low} e {high}.",
    "between": "O mais provável: entre {low} e {high}.",
    "chance busier": "Mais do que o habitual: {chance}.",
    "chance quieter": "Menos do que o habitual: {chance}.",
    "chance usual": "Perto do habitual: {chance}.",
    "of ten": "{n} hipóteses em 10",
    "over nine": "mais de 9 hipóteses em 10",
    "under one": "menos de 1 hipótese em 10",
    "holiday": "feriado, {name}",
    "festival": "{name}",
    "weekend holiday": "feriado, {name}",
    "eve": "véspera de feriado, {name}",
    "bridge": "ponte entre o feriado ({name}) e o fim de semana",
    "Easter": "domingo de Páscoa",
    "before Christmas": "os dias antes do Natal",
    "24 December": "véspera de Natal",
    "25 December": "dia de Natal",
    "26 December": "o dia a seguir ao Natal",
    "between the years": "entre o Natal e o Ano Novo",
    "31 December": "véspera de Ano Novo",
    "1 January": "dia de Ano Novo",
    "2 January": "o dia a seguir ao Ano Novo",
    "trend up": "os últimos dias já tiveram mais movimento",
    "trend down": "os últimos dias já tiveram menos movimento",
    "turn up": "por esta altura, no ano passado, o movimento também subiu",
    "turn down": "por esta altura, no ano passado, o movimento também desceu",
    "learned up": "noutros sítios, semanas como esta continuaram com mais movimento",
    "learned down": "noutros sítios, semanas como esta continuaram com menos movimento",
    "nothing": "nada fora do comum",
    "why": "Porquê:",
    "sure": "Qual é a certeza?",
    "ranges": "Cada intervalo é feito para que quatro em cada cinco dias acabem dentro dele, e um fora.",
    "held": "Do que dissemos sobre os {days} dias até {until}, {share} acabou de facto dentro.",
    "direction": "Quando dissemos mais ou menos movimento do que o habitual, acertámos em {share} das vezes.",
    "figure": "As últimas quatro semanas e os próximos dias",
    "figure alt": "De {first} a {last}: {measure} por dia, em percentagem face ao início de 2020, entre {lowest} e "
    "{highest}; nos próximos dias espera-se entre {low} e {high}.",
    "published": "publicado",
    "expected": "esperado; {held} em cada dez dias acabam na sombra",
    "held 5": "cinco",
    "held 8": "oito",
    "held 9": "nove",
    "a usual day": "um dia habitual",
    "gap": "ainda não publicado",
    "figure unit": "{measure} em % face ao início de 2020",
    "numbers": "Os números",
    "day": "Dia",
    "to usual": "face ao habitual",
    "to baseline": "face ao início de 2020",
    "range": "o mais provável",
    "to": "a",
    "from to": "de {first} a {last}",
    "take": "Para levar consigo",
    "calendar": "Os dias em calendário",
    "calendar file": "semana.ics",
    "calendar why": "subscreva o endereço e o calendário renova-se todos os dias",
    "table": "A tabela completa",
    "table why": "todos os dias com todos os intervalos, em percentagem face ao início de 2020, para uma folha de "
    "cálculo",
    "means": "O que isto quer dizer, e o que não",
    "means usual": "«Habitual» é o meio dos últimos seis dias comuns do mesmo dia da semana, sem feriados: este lugar, "
    "nesta altura do ano. Dois em cada três dias comuns ficam a menos de {spread} desse valor. «Um pouco» começa a "
    "metade disso, «claramente» ao dobro, «muito» ao quádruplo; «talvez» quer dizer que o intervalo também abrange um "
    "dia habitual.",
    "means visits": "Todos os valores são de {what} em {place}, no conjunto: {measure}, em percentagem face ao início "
    "de 2020 (a mediana do mesmo dia da semana entre 3 de janeiro e 6 de fevereiro). Não são a sua caixa: a sua rua, "
    "os seus clientes e a sua oferta fazem dias próprios. Do tempo que vai fazer nada sabemos.",
    "visits": "visitas",
    "hours": "tempo de permanência",
    "source": "Fonte",
    "accessed": "Consultado em",
    "by": "Modelo {model}, dados {data}.",
    "retail_and_recreation": "restaurantes, cafés, lojas e lazer",
    "grocery_and_pharmacy": "mercearias e farmácias",
    "parks": "parques e praias",
    "transit_stations": "estações e paragens",
    "workplaces": "locais de trabalho",
    "residential": "casas",
    "calendar name": "Movimento: {place}",
    "event": "{word} ({number})",
}
ONE_WEEKDAY = ["uma segunda-feira", "uma terça-feira", "uma quarta-feira", "uma quinta-feira", "uma sexta-feira",
               "um sábado", "um domingo"]  # fmt: skip


class Language(NamedTuple):
    """One of the page's two languages: its code for browsers, its locale for dates, its sentences."""

    code: str
    locale: str
    sentences: dict[str, str]

    def say(self, sentence: str, /, **facts: str | int) -> str:
        """A sentence, by its name, with its facts filled in."""
        return self.sentences[sentence].format(**facts)

    def date(self, day: dt.date, year: bool = True) -> str:
        """``14 October 2022``, ``14 de outubro de 2022``."""
        of = " 'de' " if self.code == "pt-PT" else " "
        return format_date(day, f"d{of}MMMM" + (f"{of}y" if year else ""), locale=self.locale)

    def weekday_and_date(self, day: dt.date) -> str:
        """``Friday, 14 October``."""
        return f"{self.weekday(day)}, {self.date(day, year=False)}"

    def day_and_month(self, day: dt.date) -> str:
        """``14 Oct``, as it stands under a figure."""
        return format_date(day, "d MMM", locale=self.locale)

    def weekday_and_day(self, day: dt.date) -> str:
        """``Fri 14``, ``sex 14``, as it stands in a narrow table."""
        return f"{self.short_weekday(day)} {day.day}"

    def spoken_weekday(self, day: dt.date) -> str:
        """``Friday``; ``sexta``, which is what people say."""
        return format_date(day, "EEE" if self.code == "pt-PT" else "EEEE", locale=self.locale)

    def short_weekday(self, day: dt.date) -> str:
        """``Fri``, ``sex``."""
        return format_date(day, "EEE", locale=self.locale)[:3]

    def weekday(self, day: dt.date) -> str:
        """``Friday``."""
        return format_date(day, "EEEE", locale=self.locale)

    def a_weekday(self, day: dt.date) -> str:
        """The weekday as one of its kind; in Portuguese with its article, which has a gender."""
        return ONE_WEEKDAY[day.weekday()] if self.code == "pt-PT" else self.weekday(day)

    def listed(self, words: list[str]) -> str:
        """``Friday, Saturday and Sunday``."""
        return str(format_list(words, locale=self.locale))

    def chance(self, share: float) -> str:
        """``7 in 10``, rounded down, so that a day that is only perhaps quieter is not so by nine; none beyond nine."""
        n = int(10 * share + 1e-9)
        return self.say("over nine" if share >= 0.95 else "under one" if n < 1 else "of ten", n=n)

    def share(self, share: float) -> str:
        """``79%``."""
        return f"{round(100 * share)}%"

    def place(self, location: str) -> str:
        """A location's name: of a country in this language, of smaller places as the source has them."""
        country, *parts = location.split("/") if "/" in location else location.split("-")
        name = Locale.parse(self.locale).territories.get(country, country)
        return ", ".join([*reversed(_subdivision(country, parts) if "-" in location else parts), name])

    def holiday(self, day: dt.date, country: str) -> tuple[str, bool]:
        """A holiday's name in this language, where there is one, and whether it is a public one; else no name."""
        for category in HOLIDAY_CATEGORIES:
            names = holiday_names(day.year, country, category, "pt_PT" if self.code == "pt-PT" else "en_US")
            if day in names:
                return names[day], category == "public"
        return "", False


def _subdivision(country: str, codes: Iterable[str]) -> list[str]:
    try:
        names = holidays.country_holidays(country).get_subdivision_aliases()
    except NotImplementedError:
        names = {}
    return [next(iter(names.get(code, [])), code) for code in codes]


LANGUAGES = (Language("pt-PT", "pt_PT", PORTUGUESE), Language("en", "en_GB", ENGLISH))


def first_up(text: str) -> str:
    """A sentence's beginning."""
    return text[:1].upper() + text[1:]


def percent(value: float) -> str:
    """``+9%`` with a sign that is read as one, and none on nought."""
    whole = round(value)
    return f"{'+' if whole > 0 else '−' if whole < 0 else ''}{abs(whole)}%"
