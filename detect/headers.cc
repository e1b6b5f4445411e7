#include "detect/headers.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>

namespace sekisho::detect {
namespace {

struct Word {
  std::string_view text;
  HeaderHint hint;
};
using enum HeaderHint;

// The whole header, lower case, without spaces and marks.
constexpr Word kWhole[] = {
    {"name", kAmbiguousName},
    {"名前", kFullName},
    {"名称", kNotPersonal},
    {"氏名", kFullName},
    {"姓名", kFullName},
    {"fullname", kFullName},
    {"customername", kFullName},
    {"customer", kAmbiguousName},
    {"patientname", kFullName},
    {"employeename", kFullName},
    {"contactname", kFullName},
    {"membername", kFullName},
    {"姓", kSurname},
    {"氏", kSurname},
    {"苗字", kSurname},
    {"名字", kSurname},
    {"lastname", kSurname},
    {"familyname", kSurname},
    {"surname", kSurname},
    {"名", kGivenName},
    {"firstname", kGivenName},
    {"givenname", kGivenName},
    {"患者", kFullName},
    {"契約者", kFullName},
    {"加入者", kFullName},
    {"受診者", kFullName},
    {"担当者", kFullName},
    {"お客様", kFullName},
    {"宛名", kFullName},
    {"セイ", kNameKana},
    {"メイ", kNameKana},
    {"せい", kNameKana},
    {"めい", kNameKana},
    {"カナ", kNameKana},
    {"かな", kNameKana},
    {"kana", kNameKana},
    {"namekana", kNameKana},
    {"kananame", kNameKana},
    {"yomi", kNameKana},
    {"address", kAddress},
    {"addr", kAddress},
    {"address1", kAddress},
    {"address2", kAddressPart},
    {"streetaddress", kAddress},
    {"street", kAddressPart},
    {"city", kAddressPart},
    {"prefecture", kAddressPart},
    {"pref", kAddressPart},
    {"建物", kAddressPart},
    {"番地", kAddressPart},
    {"町域", kAddressPart},
    {"zip", kPostalCode},
    {"zipcode", kPostalCode},
    {"postalcode", kPostalCode},
    {"postcode", kPostalCode},
    {"〒", kPostalCode},
    {"tel", kPhone},
    {"tel1", kPhone},
    {"tel2", kPhone},
    {"telno", kPhone},
    {"phone", kPhone},
    {"phonenumber", kPhone},
    {"telephone", kPhone},
    {"mobile", kPhone},
    {"mobilephone", kPhone},
    {"cell", kPhone},
    {"msisdn", kPhone},
    {"email", kEmail},
    {"mail", kEmail},
    {"mailaddress", kEmail},
    {"emailaddress", kEmail},
    {"birthday", kBirthDate},
    {"birthdate", kBirthDate},
    {"dateofbirth", kBirthDate},
    {"dob", kBirthDate},
    {"birth", kBirthDate},
    {"sex", kSex},
    {"gender", kSex},
    {"age", kAge},
    {"年令", kAge},
    {"mynumber", kMyNumber},
    {"ssn", kUsSsn},
    {"iban", kIban},
    {"nino", kNationalId},
    {"niss", kNationalId},
    {"nir", kNationalId},
    {"rrn", kNationalId},
    {"nationalid", kNationalId},
    {"nationalidnumber", kNationalId},
    {"idnumber", kNationalId},
    {"担当", kFullName},
    {"会員", kFullName},
    {"利用者", kFullName},
    {"申込者", kFullName},
    {"被保険者", kFullName},
    {"本人", kFullName},
    {"相談者", kFullName},
    {"依頼者", kFullName},
    {"cardholder", kFullName},
    {"cardholdername", kFullName},
    {"accountholder", kFullName},
    {"circuitid", kMemberId},
    {"circuitno", kMemberId},
    {"subscriberid", kMemberId},
    {"subscriberno", kMemberId},
    {"contractid", kMemberId},
    {"contractno", kMemberId},
    {"insurednumber", kHealthInsurance},
    {"insuredsymbol", kHealthInsurance},
    {"insurernumber", kInsurerNumber},
    {"yuchosymbol", kYuchoSymbol},
    {"yuchonumber", kYuchoNumber},
    {"bankaccountnumber", kBankAccount},
    {"accountno", kBankAccount},
    {"bloodpressure", kHealthRecord},
    {"lastkana", kNameKana},
    {"firstkana", kNameKana},
    {"socialsecuritynumber", kUsSsn},
    {"cardnumber", kCreditCard},
    {"cardno", kCreditCard},
    {"creditcard", kCreditCard},
    {"creditcardnumber", kCreditCard},
    {"pan", kCreditCard},
    {"passport", kPassport},
    {"passportno", kPassport},
    {"passportnumber", kPassport},
    {"memberid", kMemberId},
    {"memberno", kMemberId},
    {"customerid", kMemberId},
    {"customerno", kMemberId},
    {"customercode", kMemberId},
    {"userid", kMemberId},
    {"patientid", kMemberId},
    {"employeeid", kMemberId},
    {"accountnumber", kBankAccount},
    {"company", kOrganisation},
    {"companyname", kOrganisation},
    {"organization", kOrganisation},
    {"shopname", kOrganisation},
    {"storename", kOrganisation},
    {"imei", kNotPersonal},
    {"iccid", kNotPersonal},
    {"jan", kNotPersonal},
    {"ean", kNotPersonal},
    {"isbn", kNotPersonal},
    {"timestamp", kNotPersonal},
    {"hostname", kNotPersonal},
    {"filename", kNotPersonal},
    {"productname", kNotPersonal},
};

// Anywhere in a header of at most 40 bytes; the first that fits decides, so
// what narrows stands before what it narrows.
constexpr Word kPart[] = {
    // Things and companies that carry a name, an address, a number.
    {"法人番号", kNotPersonal},
    {"代表者", kRepresentative},
    {"代表取締役", kRepresentative},
    {"会社", kOrganisation},
    {"法人", kOrganisation},
    {"企業名", kOrganisation},
    {"店舗", kOrganisation},
    {"店名", kOrganisation},
    {"事業所", kOrganisation},
    {"事業者", kOrganisation},
    {"施設", kOrganisation},
    {"学校", kOrganisation},
    {"団体", kOrganisation},
    {"商号", kOrganisation},
    {"屋号", kOrganisation},
    {"商品", kNotPersonal},
    {"製品", kNotPersonal},
    {"品名", kNotPersonal},
    {"機種", kNotPersonal},
    {"機器", kNotPersonal},
    {"装置", kNotPersonal},
    {"ファイル", kNotPersonal},
    {"ホスト", kNotPersonal},
    {"サーバ", kNotPersonal},
    {"部署", kNotPersonal},
    {"部門", kNotPersonal},
    {"所属", kNotPersonal},
    {"駅名", kNotPersonal},
    {"プラン", kNotPersonal},
    {"サービス", kNotPersonal},
    {"メーカ", kNotPersonal},
    {"imei", kNotPersonal},
    {"iccid", kNotPersonal},
    {"ipアドレス", kNotPersonal},
    {"macアドレス", kNotPersonal},
    // Numbers given to people.
    {"個人番号", kMyNumber},
    {"マイナンバー", kMyNumber},
    {"免許証番号", kDriversLicense},
    {"免許番号", kDriversLicense},
    {"driverslicense", kDriversLicense},
    {"driverlicense", kDriversLicense},
    {"旅券", kPassport},
    {"パスポート", kPassport},
    {"在留カード", kResidenceCard},
    {"residencecard", kResidenceCard},
    {"被保険者", kHealthInsurance},
    {"保険者番号", kInsurerNumber},
    {"保険証", kHealthInsurance},
    {"記号番号", kHealthInsurance},
    {"被保険者", kHealthInsurance},
    {"基礎年金番号", kBasicPension},
    {"年金番号", kBasicPension},
    {"pension", kBasicPension},
    {"身分証", kNationalId},
    {"身分證", kNationalId},
    {"身份证", kNationalId},
    {"居民身份", kNationalId},
    {"주민", kNationalId},
    {"住民登録番号", kNationalId},
    {"aadhaar", kNationalId},
    {"nationalinsurance", kNationalId},
    {"sécuritésociale", kNationalId},
    {"ゆうちょ記号", kYuchoSymbol},
    {"通帳記号", kYuchoSymbol},
    {"ゆうちょ番号", kYuchoNumber},
    {"通帳番号", kYuchoNumber},
    {"口座番号", kBankAccount},
    {"bankaccount", kBankAccount},
    {"カード番号", kCreditCard},
    {"クレジット", kCreditCard},
    {"会員番号", kMemberId},
    {"会員id", kMemberId},
    {"会員no", kMemberId},
    {"会員コード", kMemberId},
    {"顧客番号", kMemberId},
    {"顧客id", kMemberId},
    {"顧客コード", kMemberId},
    {"顧客no", kMemberId},
    {"お客様番号", kMemberId},
    {"お客様id", kMemberId},
    {"お客様コード", kMemberId},
    {"契約者番号", kMemberId},
    {"加入者番号", kMemberId},
    {"患者番号", kMemberId},
    {"患者id", kMemberId},
    {"社員番号", kMemberId},
    {"職員番号", kMemberId},
    {"学籍番号", kMemberId},
    {"利用者id", kMemberId},
    {"利用者番号", kMemberId},
    {"回線番号", kMemberId},
    {"回線id", kMemberId},
    {"契約番号", kMemberId},
    {"契約id", kMemberId},
    {"受診者番号", kMemberId},
    // Ways to reach someone; before names, since 氏名 may stand beside.
    {"メール", kEmail},
    {"e-mail", kEmail},
    {"email", kEmail},
    {"電話", kPhone},
    {"携帯", kPhone},
    {"連絡先tel", kPhone},
    {"tel", kPhone},
    {"fax", kPhone},
    {"phone", kPhone},
    {"郵便番号", kPostalCode},
    {"zipcode", kPostalCode},
    {"postal", kPostalCode},
    // About a person.
    {"生年月日", kBirthDate},
    {"誕生日", kBirthDate},
    {"出生", kBirthDate},
    {"birth", kBirthDate},
    {"性別", kSex},
    {"年齢", kAge},
    // Special care-required information: illness and health checks (APPI
    // article 2(3), Order article 2).
    {"病名", kHealthRecord},
    {"傷病", kHealthRecord},
    {"診断", kHealthRecord},
    {"病歴", kHealthRecord},
    {"既往", kHealthRecord},
    {"服薬", kHealthRecord},
    {"投薬", kHealthRecord},
    {"処方", kHealthRecord},
    {"血圧", kHealthRecord},
    {"血糖", kHealthRecord},
    {"健診", kHealthRecord},
    {"検診", kHealthRecord},
    {"障害等級", kHealthRecord},
    {"アレルギ", kHealthRecord},
    {"diagnosis", kHealthRecord},
    // Kana before names: 氏名カナ, お名前(フリガナ).
    {"フリガナ", kNameKana},
    {"ふりがな", kNameKana},
    {"カナ", kNameKana},
    {"かな", kNameKana},
    {"ヨミ", kNameKana},
    {"よみ", kNameKana},
    {"読み", kNameKana},
    {"住所", kAddress},
    {"所在地", kAddress},
    {"居所", kAddress},
    {"送付先", kAddress},
    {"都道府県", kAddressPart},
    {"市区町村", kAddressPart},
    {"市町村", kAddressPart},
    {"番地", kAddressPart},
    {"建物名", kAddressPart},
    {"氏名", kFullName},
    {"名前", kFullName},
    {"姓名", kFullName},
    {"お客様名", kFullName},
    {"顧客名", kFullName},
    {"契約者名", kFullName},
    {"会員名", kFullName},
    {"患者名", kFullName},
    {"社員名", kFullName},
    {"担当者名", kFullName},
    {"利用者名", kFullName},
    {"加入者名", kFullName},
    {"受取人", kFullName},
    {"世帯主", kFullName},
    {"名義", kFullName},
};

// kPart by first byte: heads[b] is the first word that starts with b, next[i]
// the one after word i; 0 ends, so words are counted from 1.
struct PartIndex {
  std::array<uint16_t, 256> heads{};
  std::array<uint16_t, std::size(kPart) + 1> next{};
};
constexpr PartIndex kParts = [] {
  PartIndex index;
  for (size_t i = std::size(kPart); i > 0; --i) {
    uint16_t& head =
        index.heads[static_cast<unsigned char>(kPart[i - 1].text[0])];
    index.next[i] = head;
    head = static_cast<uint16_t>(i);
  }
  return index;
}();

// Of all words in `key`, the one that stands first in kPart.
HeaderHint HintOfPart(std::string_view key) {
  size_t best = std::size(kPart) + 1;
  for (size_t at = 0; at < key.size(); ++at) {
    const auto first = static_cast<unsigned char>(key[at]);
    for (size_t i = kParts.heads[first]; i != 0 && i < best;
         i = kParts.next[i]) {
      const std::string_view word = kPart[i - 1].text;
      const bool fits = key.substr(at).starts_with(word) &&
                        (word != "tel" || at == 0 || at + 3 == key.size());
      best = fits ? i : best;
    }
  }
  return best > std::size(kPart) ? kNone : kPart[best - 1].hint;
}

}  // namespace

HeaderHint HintOf(std::string_view folded) {
  if (folded.empty() || folded.size() > 60) {
    return kNone;
  }
  std::string key;
  for (char c : folded) {
    const bool is_mark = c == ' ' || c == '_' || c == '-' || c == '.' ||
                         c == ':' || c == '*' || c == '#' || c == '"' ||
                         c == '\'';
    if (!is_mark) {
      key.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
    }
  }
  for (const Word& word : kWhole) {
    if (key == word.text) {
      return word.hint;
    }
  }
  if (key.size() > 40) {
    return kNone;
  }
  return HintOfPart(key);
}

}  // namespace sekisho::detect
