"""Countries the site generator knows: how addresses and numbers look there, and real places to put stations in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A town: coordinates of its centre in degrees."""

    city: str
    postal_code: str
    region: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Country:
    """One country. `time_zone` as OICP writes it (standard time), `station` the word for a charging station there."""

    alpha_2: str
    alpha_3: str
    locale: str
    language: str
    dialling: str
    time_zone: str
    station: str
    note: str
    places: tuple[Place, ...]


def _places(text: str) -> tuple[Place, ...]:
    rows = [row.split("|") for row in text.strip().splitlines()]
    return tuple(Place(r[0].strip(), r[1].strip(), r[2].strip(), float(r[3]), float(r[4])) for r in rows)


_TABLE = (
    Country("DE", "DEU", "de_DE", "de", "49", "UTC+01:00", "Ladestation", "Start per App, kein Kartenleser", _places("""
        Berlin|10115|Berlin|52.5321|13.3849
        Hamburg|20095|Hamburg|53.5505|10.0010
        München|80331|Bayern|48.1351|11.5720
        Köln|50667|Nordrhein-Westfalen|50.9384|6.9570
        Leipzig|04109|Sachsen|51.3397|12.3731
        Freiburg|79098|Baden-Württemberg|47.9959|7.8522""")),
    Country("AT", "AUT", "de_AT", "de", "43", "UTC+01:00", "Ladestation", "Start per App, kein Kartenleser", _places("""
        Wien|1010|Wien|48.2085|16.3721
        Graz|8010|Steiermark|47.0707|15.4395
        Salzburg|5020|Salzburg|47.8011|13.0448
        Innsbruck|6020|Tirol|47.2682|11.3933""")),
    Country("CH", "CHE", "de_CH", "de", "41", "UTC+01:00", "Ladestation", "Start per App, kein Kartenleser", _places("""
        Zürich|8001|Zürich|47.3717|8.5422
        Bern|3011|Bern|46.9480|7.4474
        Basel|4051|Basel-Stadt|47.5546|7.5876
        Luzern|6003|Luzern|47.0502|8.3064""")),
    Country("NL", "NLD", "nl_NL", "nl", "31", "UTC+01:00", "Laadpaal", "Starten met de app, geen kaartlezer", _places("""
        Amsterdam|1012 AB|Noord-Holland|52.3731|4.8926
        Rotterdam|3011 AA|Zuid-Holland|51.9225|4.4792
        Utrecht|3511 AA|Utrecht|52.0907|5.1214
        Eindhoven|5611 AA|Noord-Brabant|51.4416|5.4697""")),
    Country("BE", "BEL", "nl_BE", "nl", "32", "UTC+01:00", "Laadpaal", "Starten met de app, geen kaartlezer", _places("""
        Antwerpen|2000|Antwerpen|51.2213|4.4051
        Gent|9000|Oost-Vlaanderen|51.0543|3.7174
        Brugge|8000|West-Vlaanderen|51.2093|3.2247
        Leuven|3000|Vlaams-Brabant|50.8798|4.7005""")),
    Country("LU", "LUX", "fr_FR", "fr", "352", "UTC+01:00", "Borne de recharge", "Démarrage par application", _places("""
        Luxembourg|1136|Luxembourg|49.6117|6.1300
        Esch-sur-Alzette|4011|Esch-sur-Alzette|49.4958|5.9806""")),
    Country("FR", "FRA", "fr_FR", "fr", "33", "UTC+01:00", "Borne de recharge", "Démarrage par application", _places("""
        Paris|75001|Île-de-France|48.8606|2.3376
        Lyon|69001|Auvergne-Rhône-Alpes|45.7676|4.8344
        Bordeaux|33000|Nouvelle-Aquitaine|44.8378|-0.5792
        Nantes|44000|Pays de la Loire|47.2184|-1.5536
        Strasbourg|67000|Grand Est|48.5734|7.7521""")),
    Country("IT", "ITA", "it_IT", "it", "39", "UTC+01:00", "Stazione di ricarica", "Avvio con l'app", _places("""
        Roma|00184|Lazio|41.8955|12.4823
        Milano|20121|Lombardia|45.4668|9.1905
        Torino|10121|Piemonte|45.0703|7.6869
        Bologna|40121|Emilia-Romagna|44.4949|11.3426""")),
    Country("ES", "ESP", "es_ES", "es", "34", "UTC+01:00", "Punto de recarga", "Inicio con la aplicación", _places("""
        Madrid|28013|Comunidad de Madrid|40.4168|-3.7038
        Barcelona|08002|Cataluña|41.3825|2.1769
        Valencia|46002|Comunitat Valenciana|39.4699|-0.3763
        Sevilla|41001|Andalucía|37.3886|-5.9953""")),
    Country("PT", "PRT", "pt_PT", "pt", "351", "UTC+00:00", "Posto de carregamento", "Início pela aplicação", _places("""
        Lisboa|1100-038|Lisboa|38.7101|-9.1370
        Porto|4000-322|Porto|41.1496|-8.6110
        Coimbra|3000-001|Coimbra|40.2056|-8.4196""")),
    Country("PL", "POL", "pl_PL", "pl", "48", "UTC+01:00", "Stacja ładowania", "Start przez aplikację", _places("""
        Warszawa|00-001|Mazowieckie|52.2297|21.0122
        Kraków|31-001|Małopolskie|50.0614|19.9372
        Poznań|61-001|Wielkopolskie|52.4064|16.9252
        Gdańsk|80-001|Pomorskie|54.3520|18.6466""")),
    Country("CZ", "CZE", "cs_CZ", "cs", "420", "UTC+01:00", "Nabíjecí stanice", "Spuštění aplikací", _places("""
        Praha|110 00|Praha|50.0813|14.4267
        Brno|602 00|Jihomoravský kraj|49.1951|16.6068""")),
    Country("DK", "DNK", "da_DK", "da", "45", "UTC+01:00", "Ladestander", "Start med app", _places("""
        København|1050|Hovedstaden|55.6805|12.5872
        Aarhus|8000|Midtjylland|56.1572|10.2107""")),
    Country("SE", "SWE", "sv_SE", "sv", "46", "UTC+01:00", "Laddstation", "Starta med appen", _places("""
        Stockholm|111 20|Stockholms län|59.3326|18.0649
        Göteborg|411 03|Västra Götalands län|57.7089|11.9746""")),
    Country("NO", "NOR", "no_NO", "no", "47", "UTC+01:00", "Ladestasjon", "Start med app", _places("""
        Oslo|0154|Oslo|59.9127|10.7461
        Bergen|5014|Vestland|60.3913|5.3221""")),
    Country("FI", "FIN", "fi_FI", "fi", "358", "UTC+02:00", "Latausasema", "Käynnistys sovelluksella", _places("""
        Helsinki|00100|Uusimaa|60.1713|24.9384
        Tampere|33100|Pirkanmaa|61.4981|23.7608""")),
    Country("GB", "GBR", "en_GB", "en", "44", "UTC+00:00", "Charging station", "Start by app", _places("""
        London|EC1A 1BB|Greater London|51.5203|-0.1011
        Manchester|M1 1AE|Greater Manchester|53.4808|-2.2374
        Bristol|BS1 4DJ|Bristol|51.4500|-2.5950""")),
    Country("IE", "IRL", "en_IE", "en", "353", "UTC+00:00", "Charging station", "Start by app", _places("""
        Dublin|D02 AF30|Leinster|53.3438|-6.2546
        Cork|T12 W8DE|Munster|51.8979|-8.4706""")),
    Country("US", "USA", "en_US", "en", "1", "UTC-05:00", "Charging station", "Start by app", _places("""
        New York|10001|New York|40.7506|-73.9972
        Boston|02108|Massachusetts|42.3570|-71.0637""")),
    Country("HU", "HUN", "hu_HU", "hu", "36", "UTC+01:00", "Töltőállomás", "Indítás alkalmazással", _places("""
        Budapest|1051|Budapest|47.4985|19.0512
        Szeged|6720|Csongrád-Csanád|46.2530|20.1414""")),
    Country("SK", "SVK", "sk_SK", "sk", "421", "UTC+01:00", "Nabíjacia stanica", "Spustenie aplikáciou", _places("""
        Bratislava|811 01|Bratislavský kraj|48.1486|17.1077""")),
    Country("SI", "SVN", "sl_SI", "sl", "386", "UTC+01:00", "Polnilna postaja", "Zagon z aplikacijo", _places("""
        Ljubljana|1000|Osrednjeslovenska|46.0569|14.5058""")),
    Country("HR", "HRV", "hr_HR", "hr", "385", "UTC+01:00", "Punionica", "Pokretanje aplikacijom", _places("""
        Zagreb|10000|Grad Zagreb|45.8131|15.9772""")),
    Country("RO", "ROU", "ro_RO", "ro", "40", "UTC+02:00", "Stație de încărcare", "Pornire din aplicație", _places("""
        București|010011|București|44.4396|26.0963""")),
    Country("BG", "BGR", "bg_BG", "bg", "359", "UTC+02:00", "Зарядна станция", "Старт с приложение", _places("""
        София|1000|София-град|42.6975|23.3241""")),
    Country("GR", "GRC", "el_GR", "el", "30", "UTC+02:00", "Σταθμός φόρτισης", "Έναρξη με εφαρμογή", _places("""
        Αθήνα|105 57|Αττική|37.9755|23.7348""")),
    Country("EE", "EST", "et_EE", "et", "372", "UTC+02:00", "Laadimisjaam", "Käivitamine rakendusega", _places("""
        Tallinn|10111|Harjumaa|59.4370|24.7536""")),
    Country("LV", "LVA", "lv_LV", "lv", "371", "UTC+02:00", "Uzlādes stacija", "Sākšana ar lietotni", _places("""
        Rīga|LV-1050|Rīga|56.9496|24.1052""")),
    Country("LT", "LTU", "lt_LT", "lt", "370", "UTC+02:00", "Įkrovimo stotelė", "Paleidimas programėle", _places("""
        Vilnius|01100|Vilniaus apskritis|54.6872|25.2797""")),
    Country("TR", "TUR", "tr_TR", "tr", "90", "UTC+03:00", "Şarj istasyonu", "Uygulama ile başlatma", _places("""
        İstanbul|34110|İstanbul|41.0122|28.9760""")),
)  # fmt: skip

COUNTRIES: dict[str, Country] = {country.alpha_2: country for country in _TABLE}
"""By ISO 3166-1 alpha-2 code."""

BY_DIALLING: dict[str, Country] = {country.dialling: country for country in _TABLE}
"""By dialling code, which is what a DIN operator id begins with."""
