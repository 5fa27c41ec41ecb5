/** Month names and abbreviations of the languages whose pages carry most dates, without accents, in lower case. */

/** One line a month ("listopada" is October in Croatian and November in Polish, which has more pages): en, de, fr, es, pt, it, nl, sv/da/no, fi, pl, cs, sk, hr/sr/sl, hu, ro, tr, id, el, ru, uk, lt/lv/et. */
const NAMES: readonly string[] = [
  "january jan januar janner janvier janv enero ene janeiro gennaio gen januari tammikuuta tammikuu stycznia styczen sty ledna leden januara sijecnja siječnja januarie ianuarie ian ocak oca ιανουαριου января янв января січня jaanuar sausio janvaris",
  "february feb febr februar feber fevrier fevr febrero fevereiro fev febbraio febb februari helmikuuta helmikuu lutego luty lut unora unor februara veljace subat sub φεβρουαριου февраля фев лютого veebruar vasario",
  "march mar marz maerz mrz mars marzo março marco maart mrt mart maaliskuuta maaliskuu marca marzec brezna brezen ozujka marcius marc martie maret μαρτιου марта мар березня marts kovo",
  "april apr avril avr abril abr aprile aprila huhtikuuta huhtikuu kwietnia kwiecien kwi dubna duben travnja aprilis aprilie nisan nis απριλιου апреля апр квітня balandzio aprill",
  "may mai maj mayo maio mai maggio mag mei toukokuuta toukokuu maja kvetna kveten kve svibnja majus mayis μαιου мая май травня geguzes",
  "june jun juni juin junio junho giugno giu kesakuuta kesakuu czerwca czerwiec cze cervna cerven juna lipnja junius iunie iun haziran haz ιουνιου июня июн червня birzelio",
  "july jul juli juillet juil julio julho luglio lug heinakuuta heinakuu lipca lipiec lip cervence cervenec jula srpnja julius iulie iul temmuz tem ιουλιου июля июл липня liepos",
  "august aug aout agosto ago augustus augusti elokuuta elokuu sierpnia sierpien sie srpna srpen augusta kolovoza augusztus agustos agustus agt αυγουστου августа авг серпня rugpjucio",
  "september sep sept septembre septiembre setiembre setembro set settembre sett syyskuuta syyskuu wrzesnia wrzesien wrz zari septembra rujna szeptember szept septembrie eylul eyl σεπτεμβριου сентября сен сент вересня rugsejo",
  "october oct oktober okt octobre octubre outubro out ottobre ott lokakuuta lokakuu pazdziernika pazdziernik paz rijna rijen oktobra octombrie ekim eki οκτωβριου октября окт жовтня spalio",
  "november nov novembre noviembre novembro marraskuuta marraskuu listopada listopadu listopad lis novembra studenoga noiembrie noi kasim kas νοεμβριου ноября ноя нояб листопада lapkricio",
  "december dec dezember dez decembre diciembre dic dezembro dicembre desember des joulukuuta joulukuu grudnia grudzien gru prosince prosinec decembra prosinca decembrie aralik ara δεκεμβριου декабря дек грудня gruodzio",
];

const MONTHS: ReadonlyMap<string, number> = new Map(
  NAMES.flatMap((line, at) => line.split(" ").map((name) => [name, at + 1] as const)),
);

/** 1 … 12 for a month's name or abbreviation in any of the languages, whatever its case, accents and full stop; else 0. */
export function monthOf(name: string): number {
  const plain = name
    .toLowerCase()
    .normalize("NFD")
    .replace(/[\u0300-\u036f.]/g, "")
    .replace(/ı/g, "i");
  return MONTHS.get(plain) ?? MONTHS.get(name.toLowerCase()) ?? 0;
}
