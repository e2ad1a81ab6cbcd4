"""Names and subjects that the lab makes its company and its day of."""

from random import Random

FIRST_NAMES = (
    *("Chloé", "Zoé", "François", "Hélène", "Noël", "Inès", "Gaël", "Maël", "Léa", "Lucas", "Camille", "Théo", "Anaïs"),
    *("Jérôme", "Aurélie", "Benoît", "Cédric", "Raphaël", "Éloïse", "Amélie", "Stéphane", "Agnès", "Clément", "Océane"),
    *("Loïc", "Maëlys", "Solène", "Baptiste", "Jean-Luc", "Marie-Ève", "Nadia", "Karim", "Fatou", "Giulia", "Björn"),
    *("Ada", "Grace", "Alan", "Margaret", "Edsger", "Siobhán", "Łukasz", "Zoë", "Núria"),
)

LAST_NAMES = (
    *("Lefèvre", "Müller", "Martin", "Bernard", "Dubois", "Durand", "Moreau", "Laurent", "Garçon", "L'Hôpital", "Bœuf"),
    *("Lemaître", "D'Almeida", "Le Gall", "Kermarrec", "Schmitt", "Weiß", "Châtelain", "Brûlé", "Pâris", "Fontaine"),
    *("Béranger", "Joséphine", "Santos-Pereira", "Nguyễn", "Diallo", "El Amrani", "O'Brien", "Lovelace", "Hopper"),
    *("Hamilton", "Dijkstra", "Perlman", "Noether", "Curie", "Poincaré", "Châtelet", "Germain", "Galois", "Fermat"),
)

SUBJECTS = (
    *("Point hebdomadaire", "Revue de projet", "Entretien annuel", "Comité de pilotage", "Réunion d'équipe"),
    *("Déjeuner avec l'équipe 🍽️", "Démonstration client", "Formation sécurité", "Atelier « facturation »"),
    *(
        "Préparation du salon",
        "Budget & prévisions",
        "Café avec Noël ☕",
        "Visite du site de Brest",
        "R&D : où en est-on ?",
    ),
    *("Weekly review", "Design workshop", "Interview", "Quarterly planning", "Customer call", "Incident follow-up"),
    *("1:1", "Release party 🎉", "Budget <draft>", "Roadmap: next steps", "Supplier visit", "Sprint demo 🚀"),
)

ABSENCES = (
    "En congés jusqu'à lundi. En cas d'urgence, merci d'appeler l'accueil. 🌴",
    "Je suis en déplacement et je lis mes messages le soir.",
    "I am out of the office today. Please contact the front desk.",
    "En formation cette semaine : réponse sous deux jours.",
)


def made_subject(random: Random) -> str:
    """Make up a subject that stands nowhere else."""
    return f"{random.choice(SUBJECTS)} {random.getrandbits(48):012x}"
