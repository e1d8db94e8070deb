"""The words of the lists' answers, in Chinese; what a column may hold."""

from __future__ import annotations

from collections.abc import Mapping

STATUS: Mapping[str, tuple[str, ...]] = {
    "listed": ("在有效期内",),
    "expiring": ("90日内到期",),
    "expired": ("已到期",),
    "superseded": ("已被后续公告替代",),
    "not_listed": ("不在名录",),
}
DOUBTS: Mapping[str, str] = {
    "no_table": "该类产品没有测评名录",
    "not_identified": "未能识别为名录中的产品",
    "lapsed": "结果已到期，名录不完整，不能确认是否已重新列入",
    "not_found": "未在已有数据中找到，名录不完整",
    "day_not_known": "公告日期只知月份，不能确认是否到期",
}
#: None: the set is open, and a site may add to it.
LEVELS: Mapping[str, tuple[str, ...]] = {}
