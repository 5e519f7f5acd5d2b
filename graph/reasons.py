"""Why a value or a row was refused, in English and Chinese."""

from types import MappingProxyType

#: Reason code -> (English, Chinese). `reason` puts it into words.
REASONS: MappingProxyType[str, tuple[str, str]] = MappingProxyType(
    {
        "fields": ("does not have as many fields as the header", "字段数与表头不符"),
        "missing": ("is required and empty", "必填项为空"),
        "not_text": ("is not text", "不是文本"),
        "control_character": ("contains control characters", "含有控制字符"),
        "too_long": ("is longer than allowed", "超过允许长度"),
        "not_date": ("is not a date (YYYY-MM-DD)", "不是日期（YYYY-MM-DD）"),
        "impossible_date": (
            "is not a possible date (1800 to 2199)",
            "不是可能的日期（1800至2199年）",
        ),
        "not_number": ("is not a number", "不是数字"),
        "not_integer": ("is not a whole number", "不是整数"),
        "negative": ("is negative", "为负数"),
        "above_one": ("is above 1", "大于1"),
        "above_rate": ("is above 10,000 per cent", "大于10000%"),
        "not_coordinate": ("is not a coordinate in degrees", "不是以度为单位的坐标"),
        "unknown_country": ("is not a country code of ISO 3166", "不是ISO 3166国家（地区）代码"),
        "unknown_currency": ("is not a currency code of ISO 4217", "不是ISO 4217货币代码"),
        "not_hs": ("is not an HS code of 4 to 10 digits", "不是4至10位的商品编码"),
        "not_heading": ("is not an HS code of 2 to 6 digits", "不是2至6位的商品编码"),
        "unknown_chapter": ("is in no chapter of the HS", "不属于任何商品章目"),
        "not_locode": ("does not have the form of a UN/LOCODE", "不符合UN/LOCODE格式"),
        "unknown_locode": ("is not a known UN/LOCODE", "不是已知的UN/LOCODE"),
        "not_uscc": (
            "does not have the form of a unified social credit code (18 characters)",
            "不符合统一社会信用代码格式（18位）",
        ),
        "uscc_check": ("has a wrong check character (GB 32100)", "校验码错误（GB 32100）"),
        "not_customs_code": (
            "is not a customs registration code (10 characters)",
            "不是海关注册编码（10位）",
        ),
        "not_imo": ("is not an IMO number of 7 digits", "不是7位IMO编号"),
        "imo_check": ("has a wrong check digit (IMO number)", "校验位错误（IMO编号）"),
        "not_email": ("is not an e-mail address", "不是电子邮箱地址"),
        "not_phone": ("is not a telephone number", "不是电话号码"),
        "not_choice": ("is not one of the values allowed", "不是允许的取值"),
        "order": ("ends before it begins", "结束早于开始"),
        "early": ("was recorded before it came about", "录入早于发生"),
        "self": ("refers to itself", "指向自身"),
        "nothing": ("says of neither a shipment nor an enterprise", "既未指明报关单也未指明企业"),
        "reference": ("refers to nothing known", "引用对象不存在"),
        "conflicting": (
            "has the same key and day of recording as another row that says otherwise",
            "与主键和获知日期相同的另一行内容矛盾",
        ),
    }
)


def reason(code: str, language: str = "en") -> str:
    """A reason in words. `language` is `en` or `zh`."""
    return REASONS[code][language == "zh"]
