// SPDX-License-Identifier: EUPL-1.2
// The words of a report in both languages, and its numbers: the digits that every other answer
// tells, with the separators of the language for people and as they are for programs.
#include "report.h"

#include <balise/wire.h>

#include <math.h>
#include <string.h>

/* The formatter would put one text over many lines. */
/* clang-format off */
static const char *const texts[T_COUNT][LANGUAGE_COUNT] = {
    [T_TITLE] = {"Rapport de performance", "Performance report"},
    [T_IN_PROGRESS] = {"mois en cours, jours clos seulement", "month in progress, closed days only"},
    [T_MADE] = {"Établi le", "Made on"},
    [T_FIGURES] = {"Indicateurs du mois", "Figures of the month"},
    [T_FIGURES_NOTE] = {"p75 : trois vues sur quatre ont été au moins aussi rapides. L’intervalle le contient dans 95 % des cas. L’évolution est certaine quand son intervalle ne contient pas 0. « – » n’est pas 0 : trop peu de vues, ou une valeur parmi les plus lentes d’un jour, données ensemble, dont on ne connaît que le début.",
                        "p75: three views in four were at least as fast. The interval holds it in 95 % of cases. A change is sure when its interval does not hold 0. “–” is not 0: too few views, or a value among the slowest of a day, which are told together, so that only where they begin is known."},
    [T_METRIC] = {"Indicateur", "Metric"},
    [T_N] = {"Vues mesurées", "Measured views"},
    [T_P75] = {"p75", "p75"},
    [T_INTERVAL] = {"Intervalle à 95 %", "95 % interval"},
    [T_GOOD] = {"Bonnes", "Good"},
    [T_NEEDS_IMPROVEMENT] = {"À améliorer", "Needs improvement"},
    [T_POOR] = {"Mauvaises", "Poor"},
    [T_BEFORE] = {"p75 du mois précédent", "p75 of the month before"},
    [T_CHANGE] = {"Évolution", "Change"},
    [T_VIEWS] = {"Vues", "Views"},
    [T_VISITORS] = {"Visiteurs", "Visitors"},
    [T_AT_MOST] = {"au plus", "at most"},
    [T_DAYS] = {"Jour par jour", "Day by day"},
    [T_DAY] = {"Jour", "Day"},
    [T_CHART_OF_DAYS] = {"p75 par jour ; les chiffres sont dans le tableau qui suit.", "p75 by day; the figures are in the table below."},
    [T_LIMIT_GOOD] = {"bon jusqu’ici", "good up to here"},
    [T_LIMIT_POOR] = {"mauvais au-dessus", "poor above"},
    [T_BUDGETS] = {"Budgets", "Budgets"},
    [T_NO_BUDGETS] = {"Aucun budget n’est configuré.", "No budget is configured."},
    [T_PAGE] = {"Page", "Page"},
    [T_WHOLE_SITE] = {"tout le site", "whole site"},
    [T_LIMIT] = {"Limite", "Limit"},
    [T_STATE] = {"Mois", "Month"},
    [T_WITHIN] = {"tenu", "within"},
    [T_EXCEEDED] = {"dépassé", "exceeded"},
    [T_UNTOLD] = {"non publiable", "not told"},
    [T_REGIONS] = {"Équité entre régions", "Equity by region"},
    [T_REGIONS_NOTE] = {"LCP. L’écart est celui du p75 à la région médiane du pays d’où viennent le plus de vues ; l’outre-mer et l’étranger sont à part et ne la déplacent pas.",
                        "LCP. The gap is that of p75 to the median region of the country that most views come from; territories overseas and other countries stand apart and do not move it."},
    [T_NO_REGIONS] = {"Aucune région n’est publiable.", "No region can be told."},
    [T_REGION] = {"Région", "Region"},
    [T_PLACE] = {"Où", "Where"},
    [T_GAP] = {"Écart à la médiane", "Gap to the median"},
    [T_HOME] = {"pays", "home"},
    [T_OVERSEAS] = {"outre-mer", "overseas"},
    [T_ABROAD] = {"étranger", "abroad"},
    [T_CHART_OF_REGIONS] = {"p75 du LCP par région ; les chiffres sont dans le tableau qui suit.", "p75 of LCP by region; the figures are in the table below."},
    [T_MEDIAN] = {"région médiane", "median region"},
    [T_PAGES] = {"Pages les plus vues", "Most viewed pages"},
    [T_PAGES_NOTE] = {"p75 du mois.", "p75 of the month."},
    [T_NO_PAGES] = {"Aucune page n’est publiable.", "No page can be told."},
    [T_ANNOTATIONS] = {"Annotations", "Annotations"},
    [T_NO_ANNOTATIONS] = {"Aucune annotation ce mois-ci.", "No annotation this month."},
    [T_TIME] = {"Date", "Time"},
    [T_KIND] = {"Nature", "Kind"},
    [T_DEPLOYMENT] = {"déploiement", "deployment"},
    [T_INCIDENT] = {"incident", "incident"},
    [T_OTHER] = {"autre", "other"},
    [T_TEXT] = {"Texte", "Text"},
    [T_COVERAGE] = {"Couverture", "Coverage"},
    [T_COVERED_NAMED] = {"Vues publiées sous le nom de leur page", "Views told under their page’s name"},
    [T_COVERED_OTHER] = {"Vues publiées ensemble, sous (other)", "Views told together, as (other)"},
    [T_COVERED_HIDDEN] = {"Vues que le tableau des pages ne montre pas", "Views that the table of pages does not show"},
    [T_COVERED_DECLINED] = {"Refus (GPC, DNT), non comptés", "Declined (GPC, DNT), not counted"},
    [T_COVERED_BOT] = {"Robots, non comptés", "Robots, not counted"},
    [T_COVERED_CLOSED] = {"Jours publiés", "Days that are told"},
    [T_COVERED_MISSING] = {"Jours sans chiffres : sans visiteur ou de trop peu, avant l’installation de balise, ou au-delà de la durée de conservation", "Days without figures: without visitors or with too few, before balise was installed, or past retention"},
    [T_REPORTED] = {"Vues qui portent la mesure", "Views that carry the metric"},
    [T_METHOD] = {"Méthode", "Method"},
    [T_METHOD_3] = {"Visiteurs : somme des visiteurs de chaque jour, arrondis à 5 ; le même y compte chaque jour où il vient.",
                    "Visitors: the sum of each day’s, rounded to 5; the same one counts on each day."},
    [T_METHOD_4] = {"LCP, INP et CLS selon web.dev/articles/vitals ; certains navigateurs ne les mesurent pas : voir la couverture.",
                    "LCP, INP and CLS after web.dev/articles/vitals; some browsers do not measure them: see coverage."},
    [T_NOTHING] = {"Aucun jour de ce mois n’a de chiffres : pas de visiteur ou trop peu, ou balise n’était pas encore installé.", "No day of this month has figures: no visitors or too few, or balise was not installed yet."},
};
static const char *const months[12][LANGUAGE_COUNT] = {
    {"janvier", "January"}, {"février", "February"}, {"mars", "March"}, {"avril", "April"},
    {"mai", "May"}, {"juin", "June"}, {"juillet", "July"}, {"août", "August"},
    {"septembre", "September"}, {"octobre", "October"}, {"novembre", "November"},
    {"décembre", "December"},
};
/* clang-format on */

const char *report_text(enum language language, enum report_word word)
{
    return texts[word][language];
}

void report_month(struct bal_buf *out, enum language language, int32_t day)
{
    int year, month, unused;
    bal_day_to_civil(day, &year, &month, &unused);
    bal_buf_printf(out, "%s %d", months[month - 1][language], year);
}

void report_date(struct bal_buf *out, enum language language, int32_t day)
{
    int year, month, day_of_month;
    bal_day_to_civil(day, &year, &month, &day_of_month);
    bal_buf_printf(out, "%d%s %s %d", day_of_month,
                   language == LANGUAGE_FR && day_of_month == 1 ? "er" : "",
                   months[month - 1][language], year);
}

/* ---- regions ---- */

/* Those of France, by ISO 3166; of others the code stands alone. */
static const struct {
    const char *code, *name[LANGUAGE_COUNT];
} regions[] = {
    {"FR-ARA", {"Auvergne-Rhône-Alpes", "Auvergne-Rhône-Alpes"}},
    {"FR-BFC", {"Bourgogne-Franche-Comté", "Bourgogne-Franche-Comté"}},
    {"FR-BRE", {"Bretagne", "Brittany"}},
    {"FR-CVL", {"Centre-Val de Loire", "Centre-Val de Loire"}},
    {"FR-20R", {"Corse", "Corsica"}},
    {"FR-GES", {"Grand Est", "Grand Est"}},
    {"FR-HDF", {"Hauts-de-France", "Hauts-de-France"}},
    {"FR-IDF", {"Île-de-France", "Île-de-France"}},
    {"FR-NOR", {"Normandie", "Normandy"}},
    {"FR-NAQ", {"Nouvelle-Aquitaine", "Nouvelle-Aquitaine"}},
    {"FR-OCC", {"Occitanie", "Occitanie"}},
    {"FR-PDL", {"Pays de la Loire", "Pays de la Loire"}},
    {"FR-PAC", {"Provence-Alpes-Côte d’Azur", "Provence-Alpes-Côte d’Azur"}},
    {"FR", {"France, région inconnue", "France, region unknown"}},
    {"GP", {"Guadeloupe", "Guadeloupe"}},
    {"MQ", {"Martinique", "Martinique"}},
    {"GF", {"Guyane", "French Guiana"}},
    {"RE", {"La Réunion", "Réunion"}},
    {"YT", {"Mayotte", "Mayotte"}},
    {"PM", {"Saint-Pierre-et-Miquelon", "Saint Pierre and Miquelon"}},
    {"BL", {"Saint-Barthélemy", "Saint Barthélemy"}},
    {"MF", {"Saint-Martin", "Saint Martin"}},
    {"WF", {"Wallis-et-Futuna", "Wallis and Futuna"}},
    {"PF", {"Polynésie française", "French Polynesia"}},
    {"NC", {"Nouvelle-Calédonie", "New Caledonia"}},
    {"TF", {"Terres australes françaises", "French Southern Territories"}},
};

void report_region(struct bal_buf *out, enum language language, struct bal_slice code)
{
    for (size_t r = 0; r < sizeof regions / sizeof *regions; r++) {
        if (bal_slice_equal(code, bal_slice_of(regions[r].code)))
            bal_buf_printf(out, "%s, ", regions[r].name[language]);
    }
    bal_html_text(out, code);
}

/* ---- numbers ---- */

#define NARROW_SPACE "\xe2\x80\xaf" /* U+202F, which does not break */
#define MINUS "\xe2\x88\x92"
#define DASH "\xe2\x80\x93"

/* Digits as other answers have them, with the language's separators: "2312.5" is "2 312,5". */
static void add_digits(struct bal_buf *out, enum language language, const char *digits)
{
    const size_t whole = strcspn(digits, ".");
    for (size_t i = 0; i < whole; i++) {
        bal_buf_append(out, digits + i, 1);
        const size_t left = whole - i - 1;
        if (left > 0 && left % 3 == 0)
            bal_buf_addc(out, language == LANGUAGE_FR ? NARROW_SPACE : ",");
    }
    if (digits[whole] == '.')
        bal_buf_printf(out, "%s%s", language == LANGUAGE_FR ? "," : ".", digits + whole + 1);
}

static const char *unit_of(enum bal_metric metric, enum language language)
{
    static const char *const names[][LANGUAGE_COUNT] = {
        [BAL_UNIT_MS] = {NARROW_SPACE "ms", NARROW_SPACE "ms"},
        [BAL_UNIT_SCORE] = {"", ""},
        [BAL_UNIT_BYTES] = {NARROW_SPACE "octets", NARROW_SPACE "bytes"},
        [BAL_UNIT_COUNT] = {"", ""}};
    return names[bal_metric_info(metric)->unit][language];
}

/* "2 312,5 ms" */
static void add_plain(struct bal_buf *out, enum language language, double value, const char *unit)
{
    struct bal_buf digits = {0};
    bal_json_number(&digits, fabs(value));
    bal_buf_append(&digits, "", 1);
    bal_buf_addc(out, value < 0 ? MINUS : "");
    add_digits(out, language, digits.data);
    bal_buf_addc(out, unit);
    bal_buf_finish(&digits);
}

/* <data value="2312.5">2 312,5 ms</data> */
static void add_number(struct bal_buf *out, enum language language, double value, const char *unit)
{
    bal_buf_addc(out, "<data value=\"");
    bal_json_number(out, value);
    bal_buf_addc(out, "\">");
    add_plain(out, language, value, unit);
    bal_buf_addc(out, "</data>");
}

void report_metric(struct bal_buf *out, enum bal_metric metric)
{
    const struct bal_metric_info *const info = bal_metric_info(metric);
    for (const char *at = info->name; *at; at++) {
        const bool rises = info->good_ticks > 0 && *at >= 'a' && *at <= 'z';
        const char letter = (char)(rises ? *at - 'a' + 'A' : *at);
        bal_buf_append(out, &letter, 1);
    }
}

void report_plain(struct bal_buf *out, enum language language, enum bal_metric metric, double value)
{
    add_plain(out, language, value, unit_of(metric, language));
}

void report_value(struct bal_buf *out, enum language language, enum bal_metric metric, double value)
{
    if (isnan(value))
        bal_buf_addc(out, DASH);
    else
        add_number(out, language, value, unit_of(metric, language));
}

void report_change(struct bal_buf *out, enum language language, enum bal_metric metric,
                   double value)
{
    if (!isnan(value) && value > 0)
        bal_buf_addc(out, "+");
    report_value(out, language, metric, value);
}

void report_count(struct bal_buf *out, enum language language, uint64_t count)
{
    add_number(out, language, (double)count, "");
}

void report_share(struct bal_buf *out, enum language language, double share)
{
    struct bal_buf digits = {0};
    if (isnan(share)) {
        bal_buf_addc(out, DASH);
        return;
    }
    bal_buf_printf(&digits, "%.10g", share * 100); // four decimals of a share are two of a percent
    bal_buf_append(&digits, "", 1);
    bal_buf_addc(out, "<data value=\"");
    bal_json_number(out, share);
    bal_buf_addc(out, "\">");
    add_digits(out, language, digits.data);
    bal_buf_printf(out, "%s</data>", NARROW_SPACE "%");
    bal_buf_finish(&digits);
}
