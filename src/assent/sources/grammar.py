"""Words for the simulated platform: five small grammars, names and number patterns.

All of it was written for this project. Domains are those reserved for examples (RFC
2606). Telephone numbers come from ranges reserved for fiction where a country has one
that looks like a number in use.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grammar:
    """How one language of the simulated platform speaks.

    `sentences` have the slots topic, tool, city, role, firm, project and count; the
    other groups have the one slot that their name says.
    """

    openers: tuple[str, ...]
    closers: tuple[str, ...]
    topics: tuple[str, ...]
    roles: tuple[str, ...]
    sentences: tuple[str, ...]
    profile: tuple[str, ...]
    names: tuple[str, ...]
    handles: tuple[str, ...]
    lists: tuple[str, ...]
    email: tuple[str, ...]
    phone: tuple[str, ...]
    url: tuple[str, ...]
    handle: tuple[str, ...]


TOOLS = (
    "Quillbase", "Tandemo", "Gridfox", "Loomline", "Pivotry", "Sheetwell", "Corvex",
    "Mapleflow", "Ostrava", "Kilnworks", "Patchboard", "Rowan", "Stackline", "Vellum",
    "Fernstack", "Brightdesk",
)  # fmt: skip
FIRMS = (
    "Brightwater Freight", "Nordlicht Systems", "Halden Marine", "Atelier Vauban",
    "Cobalt & Reed", "Tramontana Foods", "Lakeside Health", "Orchard Lane Media",
    "Meridian Rail", "Velox Energie", "Casa Lumbre", "Hollowpine Games",
    "Kestrel Analytics", "Delta Papier", "Sombra Textil", "Fjordline Robotics",
)  # fmt: skip
SYLLABLES = (
    "ka", "vel", "mo", "ri", "tan", "do", "sel", "bru", "fi", "lor", "nes", "qua",
    "pim", "zor", "het", "wy",
)  # fmt: skip
DOMAINS = ("example.com", "example.org", "example.net")

ENGLISH = Grammar(
    openers=(
        "Quick update from my desk.", "Honest question for this network.",
        "Small win today.", "Here is what we learned.", "Friday thought.",
        "Not a popular opinion, I guess.", "Proud of the team.", "Lesson of the week.",
        "Coffee in hand, notes open.", "As I keep saying, simple beats clever.",
        "Short story from the workshop.", "For what it is worth.",
    ),
    closers=(
        "Curious what others think.", "More next week.", "Onwards.", "That is all.",
        "Happy to compare notes.", "Keep it boring, keep it running.",
        "Measure first, argue later.", "Small steps, every day.",
        "Ask me again in a year.", "The rest is patience.",
        "Cheers from the night shift.",
    ),
    topics=(
        "warehouse planning", "data quality", "payroll migration", "user research",
        "onboarding", "cloud costs", "supplier audits", "release testing",
        "customer support", "energy reporting", "hiring", "route scheduling",
        "accessibility", "incident reviews", "budget planning", "maintenance contracts",
    ),
    roles=(
        "project manager", "data engineer", "nurse coordinator", "product designer",
        "site planner", "accountant", "test lead", "logistics analyst",
        "team assistant",
    ),
    sentences=(
        "We spent the week on {topic} and {tool} carried most of the load.",
        "Our {topic} work in {city} finally shows results.",
        "After {count} interviews we found the right {role} for {city}.",
        "{firm} is looking for a {role} who enjoys {topic}.",
        "I moved {count} reports from spreadsheets to {tool} this month.",
        "Nobody told me that {topic} is mostly about listening.",
        "The hardest part of {project} was never the code, it was {topic}.",
        "We cut the waiting time by {count} percent with {tool}.",
        "If you start with {topic}, start small and write everything down.",
        "My first month as a {role} taught me to respect {topic}.",
        "Project {project} goes live in {city} with {count} users.",
        "There is a free seat at our {topic} meetup in {city}.",
        "Good {topic} needs a clear owner and a short list.",
        "I would choose {tool} again for {topic}, with better training.",
        "The {role} on my team rebuilt {project} in {count} days.",
        "At {firm} we review {topic} every Monday, rain or shine.",
        "A calm handover saves more time than any tool, even {tool}.",
        "Our budget for {topic} was cut, so we learned to say no.",
    ),
    profile=(
        "I work as a {role} at {firm} in {city}.",
        "Most of my days are about {topic}, the rest is {tool}.",
        "Before {firm} I spent {count} years on {topic}.",
        "I founded {project} and I mentor every new {role} in {city}.",
        "Skills: {topic}, {tool} and patience.",
    ),
    names=(
        "I learned this from {name}.", "Thanks to {name} for the careful review.",
        "{name} and I disagree about this, and that is fine.",
        "Congratulations, {name}, well deserved!",
    ),
    handles=("Thanks {name}, that helps.", "{name} what do you think?",
             "I agree with {name} here."),
    lists=("Great panel with {name}.", "Well done {name}, what a week."),
    email=("Write to me at {x} if you want the template.", "Applications go to {x}.",
           "My address is {x}, no agencies please."),
    phone=("You can call me on {x} after lunch.", "Questions? My number is {x}.",
           "Text {x} for the door code."),
    url=("The slides are at {x} for a while.", "My portfolio lives at {x}.",
         "Everything is written up here: {x}"),
    handle=("Elsewhere I post as {x}.", "Find me as {x} on the other network."),
)  # fmt: skip

GERMAN = Grammar(
    openers=(
        "Kurz aus dem Alltag.", "Eine ehrliche Frage in die Runde.",
        "Kleiner Erfolg heute.",
        "Gedanke zum Freitag.", "Ich bin stolz auf das Team.", "Was wir gelernt haben.",
        "Wie immer gilt: einfach ist besser.", "Moin zusammen.",
    ),
    closers=(
        "Was meint ihr?", "Nächste Woche mehr.", "Weiter geht es.",
        "Schritt für Schritt.",
        "Erst messen, dann streiten.", "Der Rest ist Geduld.", "Gern mehr im Gespräch.",
    ),
    topics=(
        "Lagerplanung", "Datenqualität", "Kundenbetreuung", "Tourenplanung",
        "Einarbeitung", "Barrierefreiheit", "Lieferantenprüfung", "Energieberichte",
        "Personalsuche", "Testplanung", "Kostenkontrolle", "Wartungsverträge",
    ),
    roles=("Projektleitung", "Datenanalyse", "Pflegekoordination", "Buchhaltung",
           "Testleitung", "Standortplanung"),
    sentences=(
        "Diese Woche haben wir viel an {topic} gearbeitet, vor allem mit {tool}.",
        "In {city} zeigt unsere {topic} endlich Wirkung.",
        "Nach {count} Gesprächen steht die neue {role} in {city} fest.",
        "{firm} sucht Verstärkung für {role} und {topic}.",
        "Wir haben {count} Berichte nach {tool} umgezogen.",
        "Niemand sagt einem, dass {topic} vor allem Zuhören bedeutet.",
        "Das Schwierigste an {project} war nicht die Technik, sondern {topic}.",
        "Mit {tool} warten unsere Kunden {count} Prozent weniger lang.",
        "Das Projekt {project} startet in {city} mit {count} Personen.",
        "Gute {topic} braucht klare Zuständigkeit und eine kurze Liste.",
        "Bei {firm} besprechen wir jeden Montag {topic}.",
        "Für {topic} würde ich wieder {tool} nehmen, aber mit mehr Schulung.",
    ),
    profile=(
        "Ich arbeite in {city} bei {firm}, Bereich {role}.",
        "Meine Tage gehören {topic}, der Rest gehört {tool}.",
        "Vor {firm} habe ich {count} Jahre lang {topic} gemacht.",
        "Aus einer Idee wurde {project}, heute begleite ich {role} in {city}.",
    ),
    names=("Das habe ich von {name} gelernt.", "Danke an {name} für die Durchsicht.",
           "Glückwunsch, {name}, hoch verdient!"),
    handles=("Danke {name}, das hilft.", "{name} wie siehst du das?"),
    lists=("Starke Runde mit {name}.", "Gut gemacht {name}, was für eine Woche."),
    email=("Schreibt mir an {x}, dann kommt die Vorlage.",
           "Bewerbungen bitte an {x}."),
    phone=("Ihr erreicht mich unter {x} am Nachmittag.",
           "Fragen? Meine Nummer ist {x}."),
    url=("Die Folien liegen unter {x} bereit.", "Alles steht hier: {x}"),
    handle=("Anderswo schreibe ich als {x}.",),
)  # fmt: skip

FRENCH = Grammar(
    openers=(
        "Petite nouvelle du bureau.", "Une vraie question pour ce réseau.",
        "Une petite victoire.", "Pensée du vendredi.", "Fier de cette équipe.",
        "Ce que nous avons appris.", "Comme toujours, faire simple.",
    ),
    closers=(
        "Et vous ?", "La suite bientôt.", "On continue.", "Pas à pas.",
        "Mesurer avant de discuter.", "Le reste demande du temps.", "Belle semaine.",
    ),
    topics=(
        "la qualité des données", "le service client", "la gestion des stocks",
        "le recrutement", "les coûts du cloud", "la maintenance", "les tests",
        "le plan de transport", "la formation", "les rapports énergie", "la paie",
    ),
    roles=("chef de projet", "analyste", "comptable", "responsable qualité",
           "infirmier coordinateur", "designer produit"),
    sentences=(
        "Cette semaine nous avons avancé sur {topic} avec {tool}.",
        "À {city}, notre travail sur {topic} porte enfin ses fruits.",
        "Après {count} entretiens, nous avons trouvé un {role} pour {city}.",
        "{firm} cherche un {role} qui aime {topic}.",
        "J'ai déplacé {count} rapports vers {tool} ce mois-ci.",
        "Pour {topic}, il faut surtout savoir écouter.",
        "Le plus dur dans {project}, ce n'était pas la technique mais {topic}.",
        "Avec {tool}, nos clients attendent {count} pour cent de moins.",
        "Le projet {project} démarre à {city} avec {count} personnes.",
        "Chez {firm}, chaque lundi, nous parlons un peu trop : {topic}, encore.",
        "Pour {topic}, je choisirais encore {tool}, avec plus de formation.",
    ),
    profile=(
        "Je suis {role} chez {firm}, à {city}.",
        "Mes journées passent entre {topic} et {tool}.",
        "Avant {firm}, {count} ans sur {topic}.",
        "J'ai lancé {project} et j'accompagne chaque nouveau {role} à {city}.",
    ),
    names=("J'ai appris cela grâce à {name}.", "Merci à {name} pour la relecture.",
           "Bravo {name}, c'est mérité !"),
    handles=("Merci {name}, cela aide.", "{name} qu'en penses-tu ?"),
    lists=("Belle table ronde avec {name}.", "Bravo {name}, quelle semaine."),
    email=("Écrivez-moi à {x} pour le modèle.", "Les candidatures vont à {x}."),
    phone=("On peut m'appeler au {x} après midi.", "Mon numéro est le {x}."),
    url=("Le support est sur {x} pour un temps.", "Tout est ici : {x}"),
    handle=("Ailleurs, j'écris sous {x}.",),
)  # fmt: skip

SPANISH = Grammar(
    openers=(
        "Novedades desde mi mesa.", "Una pregunta sincera.", "Pequeña victoria hoy.",
        "Reflexión de viernes.", "Orgullo de equipo.", "Lo que hemos aprendido.",
    ),
    closers=(
        "¿Qué opináis?", "La semana que viene, más.", "Seguimos.", "Paso a paso.",
        "Primero medir, luego discutir.", "El resto es paciencia.",
    ),
    topics=(
        "la calidad de datos", "la gestión de almacén", "las rutas", "la selección",
        "la atención al cliente", "los costes", "las pruebas", "la accesibilidad",
        "las auditorías", "la nómina",
    ),
    roles=("jefe de proyecto", "analista", "contable", "coordinador", "diseñador"),
    sentences=(
        "Esta semana hemos trabajado mucho en {topic} con {tool}.",
        "En {city} nuestro trabajo sobre {topic} por fin da resultados.",
        "Después de {count} entrevistas tenemos un {role} para {city}.",
        "{firm} busca un {role} con ganas de mejorar {topic}.",
        "He pasado {count} informes a {tool} este mes.",
        "Nadie te cuenta que para {topic} hay que escuchar.",
        "Lo difícil en {project} no fue la técnica, fueron las dudas sobre {topic}.",
        "Con {tool} nuestros clientes esperan un {count} por ciento menos.",
        "El proyecto {project} arranca en {city} con {count} personas.",
        "Para {topic} volvería a elegir {tool}, con más formación.",
        "En {firm} revisamos {topic} cada lunes.",
    ),
    profile=(
        "Trabajo como {role} en {firm}, en {city}.",
        "Mis días van entre {topic} y {tool}.",
        "Antes de {firm} pasé {count} años con {topic}.",
        "Fundé {project} y acompaño a cada nuevo {role} en {city}.",
    ),
    names=("Esto lo aprendí con {name}.", "Gracias a {name} por la revisión.",
           "¡Enhorabuena, {name}, muy merecido!"),
    handles=("Gracias {name}, ayuda mucho.", "{name} ¿cómo lo ves?"),
    lists=("Gran mesa con {name}.", "Bien hecho {name}, menuda semana."),
    email=("Escribidme a {x} y os paso la plantilla.", "Las candidaturas van a {x}."),
    phone=("Me podéis llamar al {x} por la tarde.", "Mi número es el {x}."),
    url=("Las diapositivas están en {x} unos días.", "Todo está aquí: {x}"),
    handle=("En otra red escribo como {x}.",),
)  # fmt: skip

PORTUGUESE = Grammar(
    openers=(
        "Notícias da minha mesa.", "Uma pergunta honesta.", "Pequena vitória hoje.",
        "Pensamento de sexta.", "Orgulho da equipe.", "O que aprendemos.",
    ),
    closers=(
        "O que vocês acham?", "Semana que vem tem mais.", "Seguimos.", "Passo a passo.",
        "Primeiro medir, depois discutir.", "O resto é paciência.",
    ),
    topics=(
        "qualidade de dados", "gestão de estoque", "rotas de entrega", "contratação",
        "atendimento", "custos de nuvem", "testes", "acessibilidade", "auditorias",
    ),
    roles=("gerente de projeto", "analista", "contador", "coordenador", "designer"),
    sentences=(
        "Esta semana trabalhamos muito com {topic} e {tool} ajudou bastante.",
        "Em {city} o nosso trabalho com {topic} finalmente dá resultado.",
        "Depois de {count} entrevistas achamos um {role} para {city}.",
        "{firm} procura um {role} que goste de {topic}.",
        "Passei {count} relatórios para {tool} neste mês.",
        "Ninguém conta que {topic} é saber ouvir.",
        "O mais difícil em {project} não foi a técnica, foi {topic}.",
        "Com {tool} nossos clientes esperam {count} por cento menos.",
        "O projeto {project} começa em {city} com {count} pessoas.",
        "Para {topic} eu escolheria {tool} de novo, com mais treino.",
    ),
    profile=(
        "Trabalho como {role} na {firm}, em {city}.",
        "Meus dias ficam entre {topic} e {tool}.",
        "Antes da {firm} passei {count} anos com {topic}.",
        "Fundei {project} e acompanho cada novo {role} em {city}.",
    ),
    names=("Aprendi isso com {name}.", "Obrigado a {name} pela revisão.",
           "Parabéns, {name}, muito merecido!"),
    handles=("Obrigado {name}, ajuda muito.", "{name} o que você acha?"),
    lists=("Ótima mesa com {name}.", "Muito bem {name}, que semana."),
    email=("Escrevam para {x} e mando o modelo.", "Currículos para {x}."),
    phone=("Podem me ligar no {x} à tarde.", "Meu número é {x}."),
    url=("Os slides estão em {x} por uns dias.", "Está tudo aqui: {x}"),
    handle=("Em outra rede escrevo como {x}.",),
)  # fmt: skip

GRAMMARS = {
    "en": ENGLISH, "de": GERMAN, "fr": FRENCH, "es": SPANISH, "pt": PORTUGUESE,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """A country: its share of the members, language, names, cities, numbers.

    `own` is the share who write its language and not English. Names are parted by
    spaces, `_` is a space inside one. In `phones` each `#` is any digit.
    """

    share: int
    language: str
    own: float
    first: str
    last: str
    cities: tuple[str, ...]
    phones: tuple[str, ...]


_EN_FIRST = (
    "Alice Ben Chloe Daniel Emma Grace Harry Isla James Kate Liam Mark Nora Will"
)
_EN_LAST = "Baker Carter Ellis Foster Hughes Marsh Palmer Reid Shaw Turner Walsh Young"
_DE_FIRST = "Anja Björn Claudia Dieter Elke Jürgen Katrin Lukas Märta Sören Uwe Yvonne"
_DE_LAST = "Becker Fuchs Grün Köhler Lorenz Müller Neumann Schäfer Vogel Weiß Ziegler"
_FR_FIRST = (
    "Adèle Benoît Chloé Émile François Hélène Jérôme Léa Margot Noël Zoé Thierry"
)
_FR_LAST = "Bernard Chevalier Dubois Fournier Gérard Lefèvre Moreau Perrin Rousseau"

PLACES = {
    "US": Place(24, "en", 0.0, _EN_FIRST + " Jordan Tyler Maya Ethan", _EN_LAST,
                ("Denver", "Austin", "Boston", "Seattle"),
                ("+1 303 555 01##", "+1 512 555 01##", "+1 617 555 01##")),
    "GB": Place(12, "en", 0.0, _EN_FIRST, _EN_LAST + " Whitaker Pemberton",
                ("Leeds", "Bristol", "Glasgow"),
                ("+44 20 7946 0###", "+44 113 496 0###")),
    "DE": Place(10, "de", 0.8, _DE_FIRST, _DE_LAST, ("Hamburg", "Leipzig", "München"),
                ("+49 30 23125 ###", "+49 176 040690##")),
    "FR": Place(8, "fr", 0.8, _FR_FIRST, _FR_LAST, ("Lyon", "Nantes", "Lille"),
                ("+33 1 99 00 ## ##",)),
    "IE": Place(4, "en", 0.0, "Aoife Cian Niamh Oisín Róisín Seán Siobhán Tadhg",
                "Byrne Doyle Kelly Murphy Nolan Ó_Sullivan",
                ("Dublin", "Cork"), ("+353 85 01# ####",)),
    "NL": Place(5, "en", 0.0, "Anouk Bram Daan Femke Jasper Lotte Sanne Thijs",
                "Bakker de_Boer Jansen van_Dijk Visser Smit", ("Utrecht", "Delft"),
                ("+31 6 12## ####",)),
    "ES": Place(6, "es", 0.8, "Álvaro Begoña Carmen Íñigo José Lucía Núria Raúl",
                "Castaño García Ibáñez Muñoz Ortega Peña Sánchez",
                ("Valencia", "Bilbao"), ("+34 612 ### ###",)),
    "IT": Place(5, "en", 0.0, "Chiara Davide Elisa Giulia Luca Matteo Niccolò Sofia",
                "Bianchi Conti Esposito Ferrari Galli Ricci",
                ("Torino", "Bologna"), ("+39 320 ### ####",)),
    "SE": Place(3, "en", 0.0, "Åsa Björn Elin Göran Lovisa Mårten",
                "Bergström Lindqvist Nyström Sjöberg", ("Uppsala", "Malmö"),
                ("+46 70 174 06 ##",)),
    "NO": Place(3, "en", 0.0, "Bjørn Eirik Ingrid Kåre Sigrid Øystein",
                "Dahl Hansen Nygård Solberg", ("Bergen", "Trondheim"),
                ("+47 406 ## ###",)),
    "CH": Place(4, "de", 0.6, _DE_FIRST + " Reto Urs", _DE_LAST + " Zürcher Gerber",
                ("Basel", "Bern", "Winterthur"), ("+41 78 6## ## ##",)),
    "CA": Place(5, "fr", 0.3, _EN_FIRST + " Benoît Hélène", _EN_LAST + " Tremblay",
                ("Ottawa", "Halifax", "Laval"), ("+1 613 555 01##", "+1 902 555 01##")),
    "HK": Place(3, "en", 0.0, "Chi_Wai Ka_Ming Mei_Ling Siu_Fan Tsz_Kin Wing_Yan",
                "Chan Cheung Ho Lam Leung Wong", ("Kowloon", "Sha Tin"),
                ("+852 912# ####",)),
    "IN": Place(5, "en", 0.0, "Aarav Divya Ishaan Kavya Meera Nikhil Priya Rohan",
                "Desai Iyer Kapoor Menon Patel Rao", ("Pune", "Kochi", "Jaipur"),
                ("+91 98##0 #####",)),
    "BR": Place(3, "pt", 0.9, "Antônio Beatriz Caio Fernanda João Letícia Thaís",
                "Araújo Conceição Ferreira Gonçalves Lima Souza",
                ("Curitiba", "Recife"), ("+55 11 98### ####",)),
}  # fmt: skip
