"""An Ex01 image that ewfacquire 20260924 (libewf, built with zlib) wrote of a medium of 160 sectors.

The medium: ``b"Windows\\0"`` 4,096 times, 32,768 zeros, then each byte from 0 to 255 sixteen times, in turn up to 1,000
of them, and dots. Options: ``-f encase7-v2 -c deflate:best -d sha1``. Deflated and in base 85.
"""

import base64
import zlib

_STORED = (
    "c-nIfb2H-QYGhzyWMp7uU|?AB>GhJcXI<vaVt@00wZx=P6?1fZ0=XItc$`1qo_mb5O8)r-&SIXsKd<Wa9Lk=x<!>B+JGZo-"
    "$f|aea}&>Sq%2PNNIIftw&~NN{JUP8Bwl<|`8au{O_-0f{9<XbUz>xD|6-gOE-"
    "1$U2aF7;AOT7{05KN>ez1nYLb_s3X>TB3lYxNC^X<00qK<o-r!zQn$cs34S5<vUJ?L-za`s7+-"
    "M?=(?NQq*CF(ixP08`Oznb$UrY5ddpEEVVZdT6D%`4e`rm^dOaQ*hfUtM&MRNP17vuEF}D^q^q6#wz^1IDTKw=aFWx-EIRdwkLy$"
    "pxrxV1m*OXf(+Ed<5Jd$XH?>o|%`DUtSCstGM;{diY`v772z6+2#|1Zi-A?k^O#Z+ll~}s1spn-"
    "*hBhUA?D7rc4plRo=WQ)lI{?`u*FRm7ktHwf_G|MI}a`bCQzeBxTkhCDFWtYj^N&S2n$*p!?3j>Q3kG33BC+<?eLzoapd5(W7&sE"
    "9XR?%nttV%IZZA8K1bx*>vow;P^Q~p8v6+$|44?MFL!lIl2}}bS-A_S|sANnCH|YnNy3I<Xl~C+Kzu@ndhQv(|T$})AElz^IStio"
    "J(!mp9eCVeq_p8Xcp%pyQgLPN3OV|*(<uMR`g%L$iRD%qxT|<??s-oAKC7?aBp$Z-"
    "r^>`<!E$9`?nVjeJ@(hy=YqZqV3&_#(5Re?-z*QbIt$a82{yPb%p$2Lk9T=&NVHK5-"
    "t57Iqi<7|Bz|^$l8{mvF}K@MB77&#)%TG7k^0IPvANBD7xoxh0g((n)dgGoRbY%gAIA@6Rgr6xc_OH|B<`ysLz>0IcE;$&*-"
    "k4(a##u;rc_i{(-;FF(I9!Mmop2)*R9L(|R?cd22-"
    "b*BcG{Hww=Fz;Bk!z3ox_pZ44veX=(?V{i1@{*bTU$p5>LfxVEUy^zJdkmq<IlX@Z7@<O)sLcZsPjN*ly(+gR{Ckp)U|9|}d<NqK"
    "3|ET|C|4*Je-"
    "2c3P><#aPTxVEnxw9FZUYKF&4VsZ0m=NiYl|cGC!yu^)W5dj0VbDNP152MAXy(EA6QK5LGePq5QRev*koB`b=>yD|`CEd3`x+QsU"
    "Aq!*X-!$lao63)yq2XbWb-YyPFn^vcYw`>TBLwvJ`Vx&Z!%=4MMZ9rc|M_i+srGf_wSz0ED>S4_Dh7jybz{_6Xt#_=5r7*-"
    ";8mIB|ns{fEF1J41_@`gS`j<SY))5"
)

IMAGE = zlib.decompress(base64.b85decode(_STORED))
MEDIUM = (b"Windows\0" * 4096 + bytes(32768) + b"".join(bytes([number & 255]) * 16 for number in range(1000))).ljust(
    160 * 512, b"."
)
